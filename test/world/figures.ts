import { expect } from 'vitest';
import { readStatistics } from '../../db/statistics/statistics.ts';
import { reconcile, type Statistics } from '../../domain/pushes/metrics.ts';
import type { Shop } from './shop.ts';
import { taskIn } from './task.ts';
import type { World } from './world.ts';

/** The live numbers of a task's push. Throws when the sums do not reconcile. */
export async function figuresOf(world: World, taskId: string): Promise<Statistics> {
  const push = await world.db
    .selectFrom('pushes')
    .select('no')
    .where('task_id', '=', taskId)
    .executeTakeFirstOrThrow();
  const answer = await readStatistics(world.db, { pushNo: push.no, now: await world.clock() });
  if (answer === undefined) throw new Error('the push has no statistics');
  expect(reconcile(answer.statistics)).toEqual([]);
  return answer.statistics;
}

export async function expectAllSentOnce(
  world: World,
  shop: Shop,
  { taskId, devices }: { taskId: string; devices: number },
): Promise<void> {
  await taskIn(shop, taskId, 'collecting');
  const statistics = await figuresOf(world, taskId);
  expect(statistics).toMatchObject({ planned: devices, pending: 0, notSent: 0, sent: devices });
  const counts = await world.simulators.control.counts();
  expect(counts).toMatchObject({ duplicates: 0, distinctDevices: devices });
}
