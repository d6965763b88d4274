import { say } from './report.ts';
import type { Rig } from './rig.ts';

/** Finishes Postgres's work for earlier writes, so that it does not count in the next measurement. */
export async function finishWrites({ pool }: Rig): Promise<void> {
  say('Vacuum and checkpoint …');
  await pool.query('vacuum analyze');
  await pool.query('checkpoint');
}
