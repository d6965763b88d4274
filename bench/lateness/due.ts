import { spansByPush } from '../lib/requests.ts';
import type { Rig } from '../lib/rig.ts';
import type { Desk } from '../lib/tasks.ts';
import { waitForPush } from '../lib/watch.ts';
import { approveTasks } from './approved.ts';

/** All must sleep when the first is due: three times as long as creating them should take, and a little more. */
const MARGIN = { factor: 3, ms: 15_000 };

interface Due {
  readonly audienceId: string;
  readonly n: number;
  /** How many tasks could be created, submitted and approved in a second before. */
  readonly createdPerS: number;
  /** Zero: all at one instant. */
  readonly spreadMs: number;
}

/** How long after its time each push's first request reached a simulator, in milliseconds; throws if one made none. */
export async function measureLateness(
  rig: Rig,
  desk: Desk,
  { audienceId, n, spreadMs, createdPerS }: Due,
): Promise<number[]> {
  const firstAt = Date.now() + MARGIN.factor * (n / createdPerS) * 1000 + MARGIN.ms;
  const dueAt = (index: number) => new Date(firstAt + Math.floor((index * spreadMs) / n));
  const tasks = await approveTasks(rig, desk, { audienceId, count: n, dueAt });
  if (Date.now() > firstAt)
    throw new Error('the tasks took so long to create that the first was already due');
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
