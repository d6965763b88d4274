import { until } from '../wait.ts';
import { createTask, everybody, type Shop, submitAndApprove } from './shop.ts';

export interface Shown {
  readonly status: string;
  readonly statusReason: string | null;
  readonly [other: string]: unknown;
}

/** Creates and approves a task, for all devices unless the definition names an audience. */
export async function startTask(shop: Shop, definition: Record<string, unknown> = {}): Promise<string> {
  const taskId = await createTask(shop, { audience: { id: await everybody(shop) }, ...definition });
  await submitAndApprove(shop, taskId);
  return taskId;
}

export async function readTask<T = Shown>(shop: Shop, taskId: string): Promise<T> {
  return (await shop.call<T>(shop.marketer, 'GET', `/v1/tasks/${taskId}`)).body;
}

/** Waits until it has that status. */
export async function taskIn<T extends { readonly status: string } = Shown>(
  shop: Shop,
  taskId: string,
  status: string,
): Promise<T> {
  return await until(
    () => readTask<T>(shop, taskId),
    (task) => task.status === status,
  );
}

export function pushIdOf(taskId: string, seq = 1): string {
  return `${taskId.replace('task-', 'push-')}-${seq}`;
}

/** Waits until it has that status. */
export async function pushIn(shop: Shop, pushId: string, status: string): Promise<Shown> {
  return await until(
    async () => (await shop.call<Shown>(shop.marketer, 'GET', `/v1/pushes/${pushId}`)).body,
    (push) => push.status === status,
  );
}
