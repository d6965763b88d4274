import { beforeAll, expect, test } from 'vitest';
import { fixture } from './setup/fixture.ts';
import { createLocal } from './setup/temporal-environment.ts';
import { until } from './wait.ts';
import { figuresOf } from './world/figures.ts';
import { callAction, openShopWithDevices } from './world/shop.ts';
import { startTask, taskIn } from './world/task.ts';
import { useWorld } from './world/world.ts';

/** Makes eight leases, of which four run at a time: four such pushes take all places of a sender. */
const DEVICES = 2000;
const SLOW_PUSHES = 4;

const world = useWorld(createLocal, { receiptWindowMs: 3_600_000 });
const slow = fixture(beforeAll, () => openShopWithDevices(world, DEVICES));
const other = fixture(beforeAll, () => openShopWithDevices(world, 50));

test('pushes at a low rate give their places back to other pushes, and go on', async () => {
  const drip = () => startTask(slow, { ratePerSecond: 20 });
  const tasks = await Promise.all(Array.from({ length: SLOW_PUSHES }, drip));
  const leasesOut = () =>
    world.db.selectFrom('leases').select('lease_no').where('seen_at', 'is not', null).execute();
  await until(leasesOut, (leases) => leases.length >= 4 * SLOW_PUSHES);
  const small = await startTask(other);
  await taskIn(other, small, 'collecting');
  expect((await figuresOf(world, small)).sent).toBe(50);
  for (const task of tasks) expect((await figuresOf(world, task)).pending).toBeGreaterThan(0);
  const [first = '', ...rest] = tasks;
  for (const task of rest) expect((await callAction(slow, slow.marketer, task, 'cancel')).status).toBe(200);
  await slow.call(slow.marketer, 'PUT', `/v1/tasks/${first}/rate`, { ratePerSecond: null });
  await taskIn(slow, first, 'collecting');
  expect(await figuresOf(world, first)).toMatchObject({ sent: DEVICES, pending: 0, failures: 0 });
  const log = await world.simulators.control.log();
  const sends = log.filter(({ processed }) => processed).map(({ messageId }) => messageId);
  expect(new Set(sends).size).toBe(sends.length);
});
