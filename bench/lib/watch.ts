import { setTimeout as sleep } from 'node:timers/promises';
import type { Pool } from 'pg';

export interface Progress {
  readonly pushNo: number;
  readonly pushId: string;
  readonly status: string;
  readonly startedAt: Date | null;
  readonly planned: number;
  readonly left: number;
  readonly isSent: boolean;
}

/** A higher frequency takes processor time from the measured processes. */
const POLL_MS = 100;

/** Reads only the few rows of the leases, so that watching costs almost nothing. */
export async function progressOf(pool: Pool, taskId: string): Promise<Progress | undefined> {
  const { rows } = await pool.query<Progress>(
    `select p.no::int as "pushNo", p.id as "pushId", p.status, p.started_at as "startedAt",
       coalesce(l.planned, 0)::int as planned, coalesce(l.left, 0)::int as left, coalesce(l.done, false) and p.next_part_from is null as "isSent"
     from pushes p left join lateral (
       select sum(last_no - first_no + 1) as planned, bool_and(done) as done,
         sum((select sum(x) from unnest(pending) x)) as left
       from leases where push_no = p.no
     ) l on true where p.task_id = $1 order by p.seq desc limit 1`,
    [taskId],
  );
  return rows[0];
}

/** Polls until the push of the task satisfies the condition. */
export async function waitForPush(
  pool: Pool,
  taskId: string,
  isWanted: (progress: Progress) => boolean,
  limitMs = 3_600_000,
): Promise<Progress> {
  return await waitFor(async () => {
    const progress = await progressOf(pool, taskId);
    return progress !== undefined && isWanted(progress) ? progress : undefined;
  }, limitMs);
}

/** Polls until there is an answer. */
export async function waitFor<T>(ask: () => Promise<T | undefined>, limitMs: number): Promise<T> {
  const deadline = performance.now() + limitMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (performance.now() > deadline) throw new Error(`there was no answer within ${limitMs} ms`);
    await sleep(POLL_MS);
  }
}

/** Milliseconds since the epoch by this machine's clock, finer than Date.now(). */
export function epochMs(): number {
  return performance.timeOrigin + performance.now();
}
