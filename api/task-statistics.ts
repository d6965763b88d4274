import { atOneMoment } from '../db/database.ts';
import { findTaskStatus } from '../db/tasks.ts';
import { readTaskTotals } from '../db/totals.ts';
import { isOver } from '../domain/task-status.ts';
import type { ApiDeps } from './deps.ts';
import { type TotalsBody, totalsOf } from './totals-view.ts';

/** Final: the task has no more pushes, and all that it had are frozen. */
export async function readTaskStatistics(
  { db, clock }: Pick<ApiDeps, 'db' | 'clock'>,
  taskId: string,
): Promise<{ body: TotalsBody; final: boolean }> {
  const asOf = await clock();
  return await atOneMoment(db, async (trx) => {
    const status = await findTaskStatus(trx, taskId);
    const totals = await readTaskTotals(trx, { taskId });
    const final = isOver(status) && totals.pushes === totals.finalPushes;
    return { body: totalsOf(totals, asOf), final };
  });
}
