import { atOneMoment } from '../../db/core/database.ts';
import { readHours } from '../../db/ledger/hours.ts';
import { readStatistics } from '../../db/statistics/statistics.ts';
import type { ApiDeps } from '../http/deps.ts';
import { detailOf, type StatisticsDetail } from '../pushes/statistics-view.ts';

export async function readPushStatistics(
  { db, clock }: Pick<ApiDeps, 'db' | 'clock'>,
  pushNo: number,
): Promise<StatisticsDetail | undefined> {
  const now = await clock();
  return await atOneMoment(db, async (trx) => {
    const answer = await readStatistics(trx, { pushNo, now });
    return answer && detailOf(answer, await readHours(trx, pushNo));
  });
}
