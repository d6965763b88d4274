import { say } from './report.ts';
import type { Rig } from './rig.ts';

/** What Postgres would still do for what was before is no burden of whatever is measured next. */
export async function finishWrites({ pool }: Rig): Promise<void> {
  say('Vacuum and checkpoint …');
  await pool.query('vacuum analyze');
  await pool.query('checkpoint');
}
