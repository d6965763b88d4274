import { beforeEach, describe, expect, test } from 'vitest';
import { finalisePush } from '../../db/statistics/finalise.ts';
import { type SeededPush, seedPush, seedTask } from '../../test/fixtures/ledger-fixture.ts';
import { openShop } from '../../test/fixtures/shop-fixture.ts';
import { useTestApi } from '../../test/fixtures/test-api.ts';
import { fixture } from '../../test/setup/fixture.ts';

const api = useTestApi();
const shop = fixture(beforeEach, () => openShop(api));
let push: SeededPush;
let url: string;
let taskId: string;
beforeEach(async () => {
  const { appId, marketer } = shop;
  const startedAt = api.clock.now;
  const content = { locales: { de: { title: 'Angebot' }, fr: { title: 'Offre' } } };
  taskId = await seedTask(api.deps.db, { appId, personId: marketer.personId, content, now: startedAt });
  push = await seedPush(api.deps.db, {
    appId,
    taskId,
    startedAt,
    deliveries: [
      { status: 'accepted', platform: 'ios', deviceId: 'phone-a' },
      { status: 'accepted', platform: 'android', deviceId: 'phone-b', variant: 4 },
      { status: 'rejected', platform: 'ios', reason: 'BadDeviceToken' },
      { status: 'ambiguous', platform: 'ios', reason: 'timeout' },
      { status: 'unreachable', platform: null, reason: 'unknown_user', deviceId: 'user-9' },
      { status: 'suppressed', platform: 'web', reason: 'control_group' },
      { status: 'pending', platform: 'android' },
    ],
  });
  url = `/v1/pushes/${push.id}`;
});

const get = async (path: string) => (await shop.marketer.call('GET', `${url}${path}`)).body;
const numbers = (body: Record<string, unknown>) =>
  (body['items'] as { deliveryNo: number }[]).map((item) => item.deliveryNo);
const endWindow = () => api.clock.advance(push.windowEndsAt.getTime() - api.clock.now.getTime());

describe('GET /v1/pushes/{id}', () => {
  test('statistics add up, in all and by platform', async () => {
    const body = await get('');
    expect(body).toMatchObject({ status: 'collecting', seq: 1, hasDeliveries: true });
    expect(body['statistics']).toMatchObject({
      final: false,
      statistics: {
        planned: 7,
        matched: 6,
        losses: 1,
        suppressed: 1,
        pending: 1,
        sent: 4,
        success: 1,
        failures: 2,
        noFeedback: 1,
        failureReasons: { BadDeviceToken: 1, unknown_outcome: 1 },
        platforms: { ios: { planned: 3, noFeedback: null }, android: { pending: 1 } },
      },
    });
  });

  test('frozen statistics do not change', async () => {
    const frozen = await get('/statistics');
    const at = push.windowEndsAt;
    expect(await finalisePush(api.deps.db, { push, now: at })).toEqual([]);
    await api.deps.db.deleteFrom('push_counters').where('push_no', '=', push.no).execute();
    expect(await get('/statistics')).toEqual({ ...frozen, asOf: at.toISOString(), final: true });
  });

  test("another app's push is not found", async () => {
    const other = await openShop(api);
    for (const path of ['', '/statistics', '/deliveries']) {
      expect((await other.marketer.call('GET', `${url}${path}`)).status).toBe(404);
    }
  });

  test('the push history of a task and its list row carry the same numbers', async () => {
    const history = (await shop.marketer.call('GET', `/v1/tasks/${taskId}/pushes`)).body;
    expect(history).toMatchObject({
      items: [{ id: push.id, statistics: { statistics: { planned: 7 } } }],
      nextCursor: null,
    });
    const list = (await shop.marketer.call('GET', '/v1/tasks')).body;
    expect(list).toMatchObject({
      items: [{ latestPush: { id: push.id, statistics: { statistics: { planned: 7 } } } }],
    });
  });
});

describe('GET /v1/pushes/{id}/deliveries', () => {
  test.each([
    ['', [1, 2, 3, 4, 5, 6, 7]],
    ['?result=success', [1]],
    ['?result=failure', [3, 4]],
    ['?result=failure&reason=unknown_outcome', [4]],
    ['?result=no_feedback', [2]],
    ['?result=pending', [7]],
    ['?result=unreachable&reason=unknown_user', [5]],
    ['?result=suppressed', [6]],
    ['?platform=android', [2, 7]],
    ['?open=false&platform=ios', [1, 3, 4]],
    ['?open=true', []],
    ['?channel=apns', [1, 3, 4]],
    ['?delivered=false&channel=apns&result=success', [1]],
    ['?variant=ios', [1, 3, 4]],
    ['?variant=android/de', [2]],
    ['?variant=android', [7]],
    ['?variant=ios/fr', []],
    ['?delivered=true', []],
    ['?blocked=false&platform=android', [2, 7]],
    ['?deviceId=PHONE-', [1, 2]],
    ['?deviceId=%25', []],
  ])('%s', async (query, expected) => {
    expect(numbers(await get(`/deliveries${query}`))).toEqual(expected);
  });

  test('a delivery that was put back has no time of settling', async () => {
    const settled = { settled_at: api.clock.now };
    await api.deps.db.updateTable('deliveries').set(settled).where('delivery_no', '=', 7).execute();
    expect((await get('/deliveries?result=pending'))['items']).toMatchObject([{ settledAt: null }]);
  });

  test('name the variant of each device', async () => {
    const { items } = await get('/deliveries');
    expect((items as { variant: string | null }[]).map(({ variant }) => variant)).toEqual([
      ...['ios', 'android/de', 'ios', 'ios', null, 'web', 'android'],
    ]);
    const csv = await shop.marketer.text('GET', `${url}/deliveries.csv?variant=android%2Fde`);
    expect(csv.trimEnd().split('\r\n')).toEqual([
      expect.stringContaining('channel,variant,result'),
      expect.stringContaining('phone-b,android,fcm,android/de,no_feedback'),
    ]);
  });

  test('an unknown variant is refused with a list of the known ones', async () => {
    const detail = expect.stringContaining('must be one of ios, android, web, ios/de');
    for (const path of ['/deliveries', '/deliveries.csv']) {
      const { status, body } = await shop.marketer.call('GET', `${url}${path}?variant=ios/it`);
      expect(status).toBe(400);
      expect(body).toMatchObject({ errors: [{ parameter: 'variant', detail }] });
    }
    const saved = { name: 'Saved', filter: { variant: 'ios/it' } };
    const { status, body } = await shop.marketer.call('POST', `${url}/audience`, saved);
    expect(status).toBe(400);
    expect(body).toMatchObject({ errors: [{ pointer: '/filter/variant', detail }] });
  });

  test('pages by delivery number, and counts when asked', async () => {
    const first = await get('/deliveries?limit=4&count=true');
    expect(first).toMatchObject({ total: 7 });
    const second = await get(`/deliveries?limit=4&cursor=${String(first['nextCursor'])}`);
    expect(second).toMatchObject({ total: null, nextCursor: null });
    expect([...numbers(first), ...numbers(second)]).toEqual([1, 2, 3, 4, 5, 6, 7]);
  });

  test('are gone at the end of the window, to the millisecond', async () => {
    endWindow();
    expect((await shop.marketer.call('GET', `${url}/deliveries`)).status).toBe(410);
    expect((await shop.marketer.call('GET', url)).body['hasDeliveries']).toBe(false);
    api.clock.advance(-1);
    expect((await shop.marketer.call('GET', `${url}/deliveries`)).status).toBe(200);
  });
});

describe('POST /v1/pushes/{id}/audience', () => {
  const save = (filter: object) => shop.marketer.call('POST', `${url}/audience`, { name: 'Saved', filter });
  const members = async (id: unknown) =>
    await api.deps.db
      .selectFrom('audience_members')
      .select(['kind', 'id'])
      .where('audience_id', '=', String(id))
      .orderBy('id')
      .execute();

  test('saves the devices of a filter as an audience that a task can use', async () => {
    const { status, body } = await save({ result: 'success' });
    expect(status).toBe(201);
    expect(body).toMatchObject({ name: 'Saved', version: 1, members: 1 });
    expect(await members(body['id'])).toEqual([{ kind: 0, id: 'phone-a' }]);
    const audience = await api.deps.db
      .selectFrom('audience_versions')
      .select(['source', 'members'])
      .where('audience_id', '=', String(body['id']))
      .executeTakeFirst();
    expect(audience).toEqual({ members: 1, source: { pushId: push.id, filter: { result: 'success' } } });
  });

  test('saves the devices that received a variant', async () => {
    const { body } = await save({ variant: 'android/de' });
    expect(await members(body['id'])).toEqual([{ kind: 0, id: 'phone-b' }]);
  });

  test('an unknown user stays a user ID', async () => {
    const { body } = await save({ result: 'unreachable' });
    expect(await members(body['id'])).toEqual([{ kind: 1, id: 'user-9' }]);
  });

  test('the ID of a searched device is not stored', async () => {
    const { body } = await save({ deviceId: 'phone-a', result: 'success' });
    expect(await members(body['id'])).toEqual([{ kind: 0, id: 'phone-a' }]);
    const { versions } = (await shop.marketer.call('GET', `/v1/audiences/${body['id']}`)).body as {
      versions: object[];
    };
    expect(versions).toMatchObject([{ source: { filter: { result: 'success' } } }]);
    expect(JSON.stringify(versions)).not.toContain('phone-a');
  });

  test('is refused before all devices are prepared', async () => {
    const set = async (change: { partition_start?: null; next_part_from?: number | null }) =>
      await api.deps.db.updateTable('pushes').set(change).where('no', '=', push.no).execute();
    await set({ next_part_from: 7 });
    expect((await save({})).status).toBe(409);
    await set({ next_part_from: null, partition_start: null });
    expect(await save({})).toMatchObject({ status: 409, body: { detail: /not all prepared/ } });
  });

  test('is refused after the end of the window', async () => {
    endWindow();
    expect((await save({})).status).toBe(410);
  });
});
