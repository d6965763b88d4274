import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createIdentity } from '../dev/simulators/certificate.ts';
import { Switches } from '../dev/simulators/config.ts';
import { fixture } from './setup/fixture.ts';
import { createLocal } from './setup/temporal-environment.ts';
import { until } from './wait.ts';
import { expectAllSentOnce, figuresOf } from './world/figures.ts';
import { callAction, importDevices, openShop, openShopWithDevices } from './world/shop.ts';
import { pushIdOf, readTask, startTask, taskIn } from './world/task.ts';
import { useWorld } from './world/world.ts';

const DEVICES = 1000;
const BARE_400 = {
  status: 400,
  body: '{"error":{"code":400,"message":"Request contains an invalid argument.","status":"INVALID_ARGUMENT","details":[{"@type":"type.googleapis.com/google.firebase.fcm.v1.FcmError","errorCode":"INVALID_ARGUMENT"}]}}',
};
const FOREIGN = { status: 401, reason: 'THIRD_PARTY_AUTH_ERROR' };
const BARE_404 = { status: 404, reason: 'NOT_FOUND' };

const androidToken = (n: number) => `fcm-token-${String(n).padStart(40, '0')}`;
const iosToken = (n: number) => n.toString(16).padStart(64, '0');

const world = useWorld(createLocal, { receiptWindowMs: 3_600_000 });
const shop = fixture(beforeAll, () => openShopWithDevices(world, DEVICES));
const calm = () => world.simulators.control.change({ apns: Switches.parse({}), fcm: Switches.parse({}) });

beforeEach(async () => {
  await calm();
  await world.simulators.control.reset();
});

async function requestsTo(token: string): Promise<number> {
  return (await world.simulators.control.log()).filter((request) => request.token === token).length;
}

describe('one odd device', () => {
  test('of each kind fails with its reason, is asked once, and everybody else gets the push', async () => {
    await world.simulators.control.change({
      fcm: {
        answersTo: {
          [androidToken(2)]: BARE_400,
          [androidToken(500)]: FOREIGN,
          [androidToken(1000)]: BARE_404,
        },
      },
      apns: {
        answersTo: {
          [iosToken(1)]: { status: 403, body: '<html>Forbidden</html>' },
          [iosToken(501)]: { status: 400, reason: 'SomethingNew' },
          [iosToken(999)]: { status: 403, reason: 'InvalidProviderToken' },
        },
      },
    });
    const taskId = await startTask(shop);
    await taskIn(shop, taskId, 'collecting');
    const { sent, failures, failureReasons, pending } = await figuresOf(world, taskId);
    expect([sent, failures, pending]).toEqual([DEVICES, 6, 0]);
    expect(failureReasons).toEqual({
      INVALID_ARGUMENT: 1,
      THIRD_PARTY_AUTH_ERROR: 1,
      NOT_FOUND: 1,
      'HTTP 403': 1,
      SomethingNew: 1,
      InvalidProviderToken: 1,
    });
    expect((await world.simulators.control.counts()).processed).toBe(DEVICES - 6);
    expect(await requestsTo(androidToken(500))).toBe(1);
    const inactive = world.db.selectFrom('devices').select('no').where('token_state', '<>', 'active');
    expect(await inactive.execute()).toEqual([]);
  });

  test('is not asked again after a pause and a resume', async () => {
    await world.simulators.control.change({ fcm: { answersTo: { [androidToken(2)]: BARE_400 } } });
    const taskId = await startTask(shop, { ratePerSecond: 300 });
    await until(
      () => world.simulators.control.counts(),
      ({ processed }) => processed > DEVICES * 0.4,
    );
    expect((await callAction(shop, shop.marketer, taskId, 'pause')).status).toBe(200);
    expect((await readTask(shop, taskId)).statusReason).toBeNull();
    expect((await callAction(shop, shop.marketer, taskId, 'resume')).status).toBe(200);
    await taskIn(shop, taskId, 'collecting');
    expect(await requestsTo(androidToken(2))).toBe(1);
    expect(await figuresOf(world, taskId)).toMatchObject({ sent: DEVICES, failures: 1, pending: 0 });
  });

  test('that is the only one does not pause a manual task, which can be sent again', async () => {
    const small = await openShop(world);
    await importDevices(small, 2);
    await world.simulators.control.change({ fcm: { answersTo: { [androidToken(2)]: FOREIGN } } });
    const taskId = await startTask(small, { pushType: 'manual' });
    for (const seq of [1, 2]) {
      expect((await callAction(small, small.marketer, taskId, 'send')).status).toBe(200);
      const push = await until(
        async () => (await small.call(small.marketer, 'GET', `/v1/pushes/${pushIdOf(taskId, seq)}`)).body,
        ({ status }) => status === 'collecting',
      );
      expect(push).toMatchObject({ statusReason: null });
    }
  });
});

describe('many odd devices', () => {
  const oddFrom = (first: number, last: number) =>
    Object.fromEntries(
      Array.from({ length: last - first + 1 }, (_, index) => [androidToken(first + index), FOREIGN]),
    );

  test('in a row at the start of a list fail, and everybody else gets the push', async () => {
    await world.simulators.control.change({ fcm: { answersTo: oddFrom(1, 120) } });
    const taskId = await startTask(shop, { platforms: ['android'] });
    await taskIn(shop, taskId, 'collecting');
    expect(await figuresOf(world, taskId)).toMatchObject({ sent: DEVICES / 2, failures: 60, pending: 0 });
  });

  test('that are most of a list pause the push, and a resume sends to the others', async () => {
    await world.simulators.control.change({ fcm: { answersTo: oddFrom(1, 600) } });
    const taskId = await startTask(shop, { platforms: ['android'] });
    expect((await taskIn(shop, taskId, 'paused')).statusReason).toMatch(
      /^too many (messages|tokens) were re/,
    );
    expect((await callAction(shop, shop.marketer, taskId, 'resume')).status).toBe(200);
    await taskIn(shop, taskId, 'collecting');
    expect(await figuresOf(world, taskId)).toMatchObject({ sent: DEVICES / 2, failures: 300, pending: 0 });
    expect((await world.simulators.control.counts()).duplicates).toBe(0);
  });
});

describe('a fault of everybody', () => {
  test('pauses the push within its first messages, and a resume after the mend sends to all, once', async () => {
    await world.simulators.control.change({ fcm: { answerWith: BARE_404 }, apns: { answerWith: BARE_404 } });
    const taskId = await startTask(shop);
    const { statusReason } = await taskIn(shop, taskId, 'paused');
    expect(statusReason).toBe('too many messages were refused by the push service: NOT_FOUND');
    // Each of the five leases may have claimed its first window of 128 devices.
    expect((await world.simulators.control.counts()).requests).toBeLessThanOrEqual(5 * 128);
    await calm();
    expect((await callAction(shop, shop.marketer, taskId, 'resume')).status).toBe(200);
    await expectAllSentOnce(world, shop, { taskId, devices: DEVICES });
    expect((await figuresOf(world, taskId)).failures).toBe(0);
  });

  test('pauses a small push too, again after a resume without a mend', async () => {
    const small = await openShop(world);
    await importDevices(small, 6);
    await world.simulators.control.change({ fcm: { answerWith: FOREIGN } });
    const taskId = await startTask(small, { platforms: ['android'] });
    await taskIn(small, taskId, 'paused');
    await callAction(small, small.marketer, taskId, 'resume');
    await until(
      () => world.simulators.control.counts(),
      ({ requests }) => requests === 6,
    );
    expect((await taskIn(small, taskId, 'paused')).statusReason).toContain('THIRD_PARTY_AUTH_ERROR');
    await calm();
    await callAction(small, small.marketer, taskId, 'resume');
    await taskIn(small, taskId, 'collecting');
    expect(await figuresOf(world, taskId)).toMatchObject({ sent: 3, failures: 0 });
  });

  test('pauses a push whose credential is revoked while it sends, and nobody is lost', async () => {
    await world.simulators.control.change({
      fcm: { delayMs: { min: 0, max: 40 } },
      apns: { delayMs: { min: 0, max: 40 } },
    });
    const taskId = await startTask(shop, { ratePerSecond: 1000 });
    await until(
      () => world.simulators.control.counts(),
      ({ processed }) => processed > DEVICES * 0.3,
    );
    await world.simulators.control.change({ apns: { credentialRevoked: true } });
    expect((await taskIn(shop, taskId, 'paused')).statusReason).toBe(
      'credential refused by the push service: InvalidProviderToken',
    );
    await calm();
    await callAction(shop, shop.marketer, taskId, 'resume');
    await expectAllSentOnce(world, shop, { taskId, devices: DEVICES });
    expect((await figuresOf(world, taskId)).failures).toBe(0);
  });
});

test('a sender that trusts a wrong authority says so in task and push, until it is replaced', async () => {
  await world.stopWorkers();
  await world.startWorkers((await createIdentity()).ca);
  const taskId = await startTask(shop);
  const shown = await until(
    () => readTask(shop, taskId),
    ({ statusReason }) => statusReason !== null,
  );
  expect(shown).toMatchObject({ status: 'sending' });
  expect(shown.statusReason).toMatch(/^a sender waits for (apns|fcm): the certificate of .* is not trusted/);
  const { body } = await shop.call(shop.marketer, 'GET', `/v1/pushes/${pushIdOf(taskId)}`);
  expect(body['statusReason']).toContain('is not trusted');
  await world.stopWorkers();
  await world.startWorkers();
  await expectAllSentOnce(world, shop, { taskId, devices: DEVICES });
  expect((await readTask(shop, taskId)).statusReason).toBeNull();
});
