import { spansByPush } from '../lib/requests.ts';
import type { Rig } from '../lib/rig.ts';
import type { Desk } from '../lib/tasks.ts';
import { waitForPush } from '../lib/watch.ts';
import { approveTasks } from './approved.ts';

/**
 * All tasks must sleep when the first is due, so the margin is three times the expected time to create them.
 */
const MARGIN = { factor: 3, ms: 15_000 };

interface Due {
  readonly audienceId: string;
  readonly n: number;
  /** The measured rate of creating, submitting and approving tasks. */
  readonly createdPerS: number;
  /** The spread of the push times; zero for one instant. */
  readonly spreadMs: number;
}

/** The lateness of each push's first request at a simulator, in milliseconds. Throws if a push made none. */
export async function measureLateness(
  rig: Rig,
  desk: Desk,
  { audienceId, n, spreadMs, createdPerS }: Due,
): Promise<number[]> {
  const firstAt = Date.now() + MARGIN.factor * (n / createdPerS) * 1000 + MARGIN.ms;
  const dueAt = (index: number) => new Date(firstAt + Math.floor((index * spreadMs) / n));
  const tasks = await approveTasks(rig, desk, { audienceId, count: n, dueAt });
  if (Date.now() > firstAt)
    throw new Error('creating the tasks took longer than the margin: the first was already due');
  for (const taskId of tasks) await waitForPush(rig.pool, taskId, ({ isSent }) => isSent);
  const { rows } = await rig.pool.query<{ no: number; dueAt: Date }>(
    'select no::int as no, due_at as "dueAt" from pushes where task_id = any($1)',
    [tasks],
  );
  const spans = await spansByPush(rig.simulators);
  const late = rows.flatMap(({ no, dueAt }) => {
    const span = spans.get(no);
    return span === undefined ? [] : [span.firstAt - dueAt.getTime()];
  });
  if (late.length !== n) throw new Error(`of ${n} pushes that were due ${late.length} made a request`);
  return late;
}
