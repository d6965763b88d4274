import { beforeAll, expect, onTestFinished, test } from 'vitest';
import { fixture } from './setup/fixture.ts';
import { createLocal } from './setup/temporal-environment.ts';
import { until } from './wait.ts';
import { figuresOf } from './world/figures.ts';
import { openShopWithDevices } from './world/shop.ts';
import { startTask, taskIn } from './world/task.ts';
import { useWorld } from './world/world.ts';

const DEVICES = 6000;
/** A push held up by requests to the other service took ten to forty times as long. */
const SLOWER_AT_MOST = 5;

const world = useWorld(createLocal, { receiptWindowMs: 3_600_000 });
const stuck = fixture(beforeAll, () => openShopWithDevices(world, DEVICES));
const other = fixture(beforeAll, () => openShopWithDevices(world, DEVICES));

async function timeOfPush(): Promise<number> {
  const startedAt = performance.now();
  await taskIn(other, await startTask(other, { platforms: ['android'] }), 'collecting');
  return performance.now() - startedAt;
}

test('a push service that answers nothing does not hold up pushes to other services', async () => {
  await timeOfPush();
  const alone = await timeOfPush();
  await world.simulators.control.change({ apns: { blackhole: true } });
  onTestFinished(() => world.simulators.control.change({ apns: { blackhole: false } }));
  await world.simulators.control.reset();
  const taskId = await startTask(stuck, { platforms: ['ios'] });
  await until(
    () => world.simulators.control.counts(),
    ({ requests }) => requests > 0,
  );
  // The first requests of the stuck push wait for an answer once.
  await timeOfPush();
  expect(await timeOfPush()).toBeLessThan(alone * SLOWER_AT_MOST);
  expect((await figuresOf(world, taskId)).pending).toBeGreaterThan(0);
  await world.simulators.control.change({ apns: { blackhole: false } });
  await taskIn(stuck, taskId, 'collecting');
  const { pending, sent, failureReasons } = await figuresOf(world, taskId);
  expect([pending, sent, Object.keys(failureReasons)]).toEqual([0, DEVICES / 2, ['unknown_outcome']]);
});
