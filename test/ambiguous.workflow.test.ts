import { beforeAll, expect, test } from 'vitest';
import { STATUS_CODE } from '../domain/pushes/delivery.ts';
import { fixture } from './setup/fixture.ts';
import { createLocal } from './setup/temporal-environment.ts';
import { figuresOf } from './world/figures.ts';
import { openShopWithDevices } from './world/shop.ts';
import { startTask, taskIn } from './world/task.ts';
import { useWorld } from './world/world.ts';

const DEVICES = 600;
/** The share of requests that are processed and then reset instead of answered. */
const LOST_ANSWERS = { resetAfterProcessingShare: 0.1 };

const world = useWorld(createLocal, { receiptWindowMs: 3_600_000 });
const shop = fixture(beforeAll, async () => {
  const opened = await openShopWithDevices(world, DEVICES);
  await world.simulators.control.change({ apns: LOST_ANSWERS, fcm: LOST_ANSWERS });
  return opened;
});

async function pushTo(definition: Record<string, unknown>) {
  await world.simulators.control.reset();
  const taskId = await startTask(shop, definition);
  await taskIn(shop, taskId, 'collecting');
  const { sent, pending } = await figuresOf(world, taskId);
  const { distinctDevices, duplicates } = await world.simulators.control.counts();
  return { sent, pending, ambiguous: await countAmbiguous(taskId), distinctDevices, duplicates };
}

async function countAmbiguous(taskId: string): Promise<number> {
  const { n } = await world.db
    .selectFrom('deliveries as d')
    .innerJoin('pushes as p', 'p.no', 'd.push_no')
    .select((eb) => eb.fn.countAll<number>().as('n'))
    .where('p.task_id', '=', taskId)
    .where('d.status', '=', STATUS_CODE.ambiguous)
    .executeTakeFirstOrThrow();
  return n;
}

test('devices whose answer was lost are ambiguous, and nobody is sent to twice', async () => {
  const { ambiguous, ...figures } = await pushTo({});
  expect(ambiguous).toBeGreaterThan(0);
  expect(figures).toEqual({ sent: DEVICES, pending: 0, distinctDevices: DEVICES, duplicates: 0 });
});

test('a task with `resend` sends to ambiguous devices again, until each has an answer', async () => {
  const { duplicates, ...figures } = await pushTo({ onAmbiguous: 'resend' });
  expect(figures).toEqual({ sent: DEVICES, pending: 0, ambiguous: 0, distinctDevices: DEVICES });
  expect(duplicates).toBeGreaterThan(0);
});
