import { beforeAll, expect, onTestFinished, test } from 'vitest';
import { fixture } from './setup/fixture.ts';
import { createLocal } from './setup/temporal-environment.ts';
import { until } from './wait.ts';
import { figuresOf } from './world/figures.ts';
import { callAction, openShopWithDevices } from './world/shop.ts';
import { readTask, startTask, taskIn } from './world/task.ts';
import { useWorld } from './world/world.ts';

const DEVICES = 3000;
const world = useWorld(createLocal, { receiptWindowMs: 3_600_000 });
const shop = fixture(beforeAll, () => openShopWithDevices(world, DEVICES));

async function startPush(): Promise<string> {
  await world.simulators.control.reset();
  return await startTask(shop);
}

const counts = () => world.simulators.control.counts();
const wrongTokens = { answerWith: { status: 400, reason: 'BadDeviceToken' } };
const calm = { answerWith: null, credentialRevoked: false, delayMs: { min: 0, max: 0 } };
const calmDown = () => world.simulators.control.change({ apns: calm, fcm: calm });

test('a push whose credentials are replaced while it sends goes on with the new ones', async () => {
  await world.simulators.control.reset();
  const taskId = await startTask(shop, { ratePerSecond: 500 });
  await until(counts, ({ processed }) => processed >= DEVICES * 0.1);
  const { apns, fcm } = world.credentials;
  const { type: _type, ...account } = fcm;
  await shop.call(shop.operator, 'PUT', '/v1/app/credentials/apns', apns);
  await shop.call(shop.operator, 'PUT', '/v1/app/credentials/fcm', account);
  // The first push of any app connects the new credentials. Leases under way hold the old ones.
  await taskIn(shop, await startTask(shop), 'collecting');
  const { pending } = await figuresOf(world, taskId);
  expect(pending).toBeGreaterThan(0);
  await shop.call(shop.marketer, 'PUT', `/v1/tasks/${taskId}/rate`, { ratePerSecond: null });
  await taskIn(shop, taskId, 'collecting');
  expect((await figuresOf(world, taskId)).sent).toBe(DEVICES);
});

test('wrong tokens of one channel pause a push although its other channel works, and keep their state', async () => {
  await world.simulators.control.change({ apns: wrongTokens });
  onTestFinished(calmDown);
  const taskId = await startPush();
  const paused = await taskIn(shop, taskId, 'paused');
  expect(paused.statusReason).toContain('too many tokens were rejected');
  await calmDown();
  expect((await callAction(shop, shop.marketer, taskId, 'resume')).status).toBe(200);
  await taskIn(shop, taskId, 'collecting');
  const invalid = await world.db
    .selectFrom('devices')
    .select('no')
    .where('token_state', '=', 'invalid')
    .execute();
  expect(invalid).toEqual([]);
});

test('a resume after a refused credential does not accept rejected tokens: too many still pause the push', async () => {
  await world.simulators.control.change({ apns: { credentialRevoked: true } });
  onTestFinished(calmDown);
  const taskId = await startPush();
  expect((await taskIn(shop, taskId, 'paused')).statusReason).toContain('InvalidProviderToken');
  await world.simulators.control.change({ apns: { credentialRevoked: false, ...wrongTokens } });
  expect((await callAction(shop, shop.marketer, taskId, 'resume')).status).toBe(200);
  await until(
    () => readTask(shop, taskId),
    ({ status, statusReason }) => status === 'paused' && statusReason?.includes('too many tokens') === true,
  );
  await calmDown();
  expect((await callAction(shop, shop.marketer, taskId, 'resume')).status).toBe(200);
  await taskIn(shop, taskId, 'collecting');
  expect(await figuresOf(world, taskId)).toMatchObject({ pending: 0, notSent: 0, sent: DEVICES });
});
