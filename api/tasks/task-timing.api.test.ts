import { beforeAll, expect, test } from 'vitest';
import { newTask, openShop } from '../../test/fixtures/shop-fixture.ts';
import { TEST_START, useTestApi } from '../../test/fixtures/test-api.ts';
import { fixture } from '../../test/setup/fixture.ts';

const api = useTestApi();
const shop = fixture(beforeAll, () => openShop(api));

const create = (more: object) => shop.marketer.call('POST', '/v1/tasks', newTask(shop, { ...more }));
const daily = { every: 'day', at: '09:00' };
const recurring = (recurrence: object, more: object = {}) => ({ pushType: 'recurring', recurrence, ...more });
const inDays = (days: number) => new Date(TEST_START.getTime() + days * 86_400_000).toISOString();

test.each([
  ['no recurrence', { pushType: 'recurring' }, '/recurrence'],
  ['a recurrence of a single task', { recurrence: { rule: daily } }, '/recurrence'],
  [
    'cron that cannot be read',
    recurring({ rule: { every: 'cron', cron: '99 * * * *' } }),
    '/recurrence/rule/cron',
  ],
  [
    'cron that never comes true',
    recurring({ rule: { every: 'cron', cron: '0 0 31 2 *' } }),
    '/recurrence/rule',
  ],
  [
    'an end before the start',
    recurring({ rule: daily, startAt: inDays(9), endAt: inDays(8) }),
    '/recurrence/endAt',
  ],
  ['an end in the past', recurring({ rule: daily, endAt: inDays(-1) }), '/recurrence/endAt'],
  [
    'an end before the first push',
    recurring({ rule: { every: 'cron', cron: '0 0 29 2 *' }, endAt: inDays(2) }),
    '/recurrence/endAt',
  ],
  [
    'a zone that does not exist',
    recurring({ rule: daily, timeZone: 'Mars/Olympus' }),
    '/recurrence/timeZone',
  ],
  ['a count of 0', recurring({ rule: daily, count: 0 }), '/recurrence/count'],
  ['a push time', recurring({ rule: daily }, { pushAt: inDays(2) }), '/pushAt'],
  [
    'a late policy of no time',
    recurring({ rule: daily }, { latePolicy: { action: 'skip', afterMinutes: 0 } }),
    '/latePolicy/afterMinutes',
  ],
  ['local timing of a manual task', { pushType: 'manual', local: {} }, '/local'],
  ['local timing without its time', { local: {} }, '/local/at'],
  ['a day that no calendar has', { local: { at: '2027-02-30T09:00' } }, '/local/at'],
  ['a time that has passed everywhere', { local: { at: '2020-01-01T09:00' } }, '/local/at'],
  ['two times', { local: { at: '2037-01-01T09:00' }, pushAt: inDays(2) }, '/pushAt'],
  ['two zones', recurring({ rule: daily, timeZone: 'UTC' }, { local: {} }), '/recurrence/timeZone'],
])('%s is refused, and the place named', async (_, task, pointer) => {
  const { status, body } = await create(task);
  expect(status, JSON.stringify(body)).toBe(400);
  expect((body['errors'] as { pointer: string }[]).map((error) => error.pointer)).toContain(pointer);
});

test('a recurrence that has begun is accepted, with the zone of the app by default', async () => {
  const { status, body } = await create(recurring({ rule: daily, startAt: inDays(-3) }));
  expect(status, JSON.stringify(body)).toBe(201);
  expect(body).toMatchObject({
    definition: { recurrence: { rule: daily, timeZone: 'Asia/Shanghai' }, latePolicy: { afterMinutes: 60 } },
  });
});

test('a local time is shown as its earliest moment in any zone', async () => {
  const { status, body } = await create({ local: { at: '2037-01-01T09:00' } });
  expect(status, JSON.stringify(body)).toBe(201);
  expect(body).toMatchObject({
    pushAt: '2036-12-31T19:00:00.000Z',
    definition: { local: { at: '2037-01-01T09:00', past: 'skip' } },
  });
});
