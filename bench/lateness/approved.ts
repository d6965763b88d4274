import { inParallel } from '../lib/in-parallel.ts';
import type { Rig } from '../lib/rig.ts';
import type { Desk } from '../lib/tasks.ts';
import { waitFor } from '../lib/watch.ts';

const LIMIT_MS = 120_000;

/** Makes that many tasks, each due at the function's time, and returns when the last is approved. */
export async function approveTasks(
  rig: Rig,
  desk: Desk,
  {
    audienceId,
    count,
    dueAt,
  }: { audienceId: string; count: number; dueAt: (index: number) => Date | undefined },
): Promise<string[]> {
  const tasks = await inParallel(count, async (index) => {
    const taskId = await desk.submitTask(audienceId, dueAt(index));
    await desk.approve(taskId);
    return taskId;
  });
  // An approval that took long was left as a signal.
  await waitFor(async () => {
    const { rows } = await rig.pool.query<{ waiting: number }>(
      `select count(*)::int as waiting from tasks where id = any($1) and status = 'pending_approval'`,
      [tasks],
    );
    return rows[0]?.waiting === 0 ? true : undefined;
  }, LIMIT_MS);
  return tasks;
}
