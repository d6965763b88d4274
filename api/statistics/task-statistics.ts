import { atOneMoment } from '../../db/core/database.ts';
import { readTaskTotals } from '../../db/statistics/totals.ts';
import { findTaskStatus } from '../../db/tasks/tasks.ts';
import { isOver } from '../../domain/tasks/task-status.ts';
import type { ApiDeps } from '../http/deps.ts';
import { type TotalsBody, totalsOf } from '../pushes/totals-view.ts';

/** `final` is true once the task can have no more pushes and all its pushes are frozen. */
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
