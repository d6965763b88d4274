import { WorkflowNotFoundError } from '@temporalio/client';
import { proposeRevision } from '../../db/tasks/task-revisions.ts';
import { TaskDefinition } from '../../domain/tasks/task-definition.ts';
import type { Action } from '../../domain/tasks/task-status.ts';
import { STATE_QUERY, type TaskView } from '../../domain/workflows/contract.ts';
import { until } from '../wait.ts';
import { type Answer, callAction as post, type Shop } from '../world/shop.ts';
import type { World } from '../world/world.ts';
import { SIGNAL_OF } from './table.ts';

export const RATE = 7;

/** Sends the action over HTTP, as a person does. */
export async function overHttp(shop: Shop, taskId: string, action: Action): Promise<Answer> {
  const { marketer, approver } = shop;
  const url = `/v1/tasks/${taskId}`;
  switch (action) {
    case 'edit':
      return await shop.call(marketer, 'PATCH', url, { content: { title: 'Changed', body: 'Today' } });
    case 'delete':
      return await shop.call(marketer, 'DELETE', url);
    case 'set_rate':
      return await shop.call(marketer, 'PUT', `${url}/rate`, { ratePerSecond: RATE });
    case 'approve':
      return await post(shop, approver, taskId, 'approve', { revision: 1 });
    case 'reject':
      return await post(shop, approver, taskId, 'reject', { revision: 1, reason: 'Typo' });
    default:
      return await post(shop, marketer, taskId, action);
  }
}

/** Sends the action as a signal, as Temporal's CLI does. Returns the refusal, if there is one. */
export async function bySignal(
  world: World,
  shop: Shop,
  taskId: string,
  action: keyof typeof SIGNAL_OF,
): Promise<void> {
  const payload = await payloadOf(world, shop, taskId, action);
  await world.env.client.workflow.getHandle(taskId).signal(SIGNAL_OF[action], payload);
}

/** The reason why the signal changed nothing: no workflow runs, or the task names one. */
export async function refusalOfSignal(
  world: World,
  shop: Shop,
  taskId: string,
  action: keyof typeof SIGNAL_OF,
): Promise<string> {
  const handle = world.env.client.workflow.getHandle(taskId);
  try {
    await bySignal(world, shop, taskId, action);
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return 'no workflow runs';
    throw error;
  }
  const view = await until(
    () => handle.query<TaskView>(STATE_QUERY),
    ({ ignored }) => ignored.some(({ name }) => name === SIGNAL_OF[action]),
  );
  return view.ignored.findLast(({ name }) => name === SIGNAL_OF[action])?.reason ?? '';
}

async function payloadOf(world: World, shop: Shop, taskId: string, action: Action): Promise<object> {
  const by = shop.marketer.personId;
  if (action === 'set_rate') return { by, ratePerSecond: RATE };
  if (action === 'edit') return { by, revision: await nextRevision(world, shop, taskId) };
  if (action !== 'approve' && action !== 'reject') return { by };
  const approver = shop.approver.personId;
  const { body } = await shop.call(shop.approver, 'GET', `/v1/tasks/${taskId}/approval-code`);
  const decision = { approver, revision: 1, ...('code' in body ? { code: body['code'] } : {}) };
  return action === 'approve' ? decision : { ...decision, reason: 'Typo' };
}

/** Stores a revision that the workflow has not been told of. */
async function nextRevision(world: World, shop: Shop, taskId: string): Promise<number> {
  const { body } = await shop.call(shop.marketer, 'GET', `/v1/tasks/${taskId}`);
  const definition = TaskDefinition.parse({
    ...(body['definition'] as object),
    content: { title: 'Changed', body: 'Today' },
  });
  const made = await proposeRevision(world.db, {
    appId: shop.appId,
    taskId,
    definition,
    madeBy: shop.marketer.personId,
    now: await world.clock(),
    from: body['revision'] as number,
  });
  if (!made.ok) throw new Error(`no revision: ${made.why}`);
  return made.revision;
}
