import fc from 'fast-check';
import { sql } from 'kysely';
import { describe, expect, test } from 'vitest';
import { ContactRules } from '../../domain/caps/cap.ts';
import { endOfQuiet } from '../../domain/caps/quiet-hours.ts';
import { STATUS_CODE } from '../../domain/pushes/delivery.ts';
import {
  deliveriesOfPush,
  type PreparedPush,
  preparePush,
  type SeededApp,
  type SeededDevice,
  seedDevices,
  soundFigures,
} from '../../test/fixtures/push-fixture.ts';
import { useTestDatabase } from '../../test/setup/database.ts';
import { deliveriesOf, dropPartition } from '../ledger/partitions.ts';
import { prepareRecipients } from '../preparation/prepare.ts';
import { readStatistics } from '../statistics/statistics.ts';
import { dropContactsBefore, settleContacts } from './contact-log.ts';
import { replaceContactRules } from './contact-rules.ts';

const database = useTestDatabase();
const now = new Date('2026-11-22T10:10:00Z');
const later = (hours: number) => new Date(now.getTime() + hours * 3_600_000);
const DAY = { window: { kind: 'day' } };
const WEEK = { window: { kind: 'rolling', hours: 168 } };
const DEVICES: SeededDevice[] = [
  { id: 'a1', user: 'ann' },
  { id: 'a2', user: 'ann', platform: 'android', channel: 'fcm' },
  { id: 'b', user: 'bo' },
  { id: 'nobody' },
];

async function open(rules: object, devices = DEVICES): Promise<SeededApp> {
  const app = await seedDevices(database.db, devices, now);
  await setRules(app, rules);
  return app;
}

async function setRules({ appId, personId }: SeededApp, rules: object): Promise<void> {
  await database.db
    .transaction()
    .execute((trx) => replaceContactRules(trx, { appId, personId, rules: ContactRules.parse(rules), now }));
}

/** Why devices are suppressed, after the sums were checked. */
async function push(app: SeededApp, more: object = {}, at = now) {
  const prepared = await preparePush(database.db, app, more, at);
  const { suppressedReasons: reasons, pending } = await soundFigures(database.db, prepared, at);
  const answer = await readStatistics(database.db, { pushNo: prepared.no, now: at });
  return { ...prepared, reasons, pending, held: answer?.held };
}

/** Numbers, and when they are due. */
async function leasesOf({ no }: PreparedPush): Promise<[from: number, to: number, due: string][]> {
  const rows = await database.db
    .selectFrom('leases')
    .select(['first_no', 'last_no', 'due_at'])
    .where('push_no', '=', no)
    .orderBy('lease_no')
    .execute();
  return rows.map((row) => [row.first_no, row.last_no, row.due_at?.toISOString() ?? '']);
}

async function settleAs(
  prepared: PreparedPush,
  status: 'accepted' | 'ambiguous' | 'rejected' | 'not_sent',
  at = now,
  ids?: string[],
) {
  const only = ids === undefined ? sql`` : sql`and device_id = any(${ids}::text[])`;
  await sql`update ${deliveriesOf(prepared.partitionStart)} set status = ${STATUS_CODE[status]}, settled_at = ${at}
    where push_no = ${prepared.no} and status = ${STATUS_CODE.pending} ${only}`.execute(database.db);
}

test('a push under way counts; a user with two devices counts once, a device without a user by itself', async () => {
  const app = await open({ caps: [{ max: 2, ...WEEK }] });
  expect((await push(app)).reasons).toEqual({});
  expect((await push(app)).pending).toBe(4);
  expect(await push(app)).toMatchObject({ pending: 0, reasons: { frequency_cap: 4 } });
});

test('a message to one device of a user counts for the other, unless the cap is for a channel', async () => {
  const app = await open({ caps: [{ max: 1, ...WEEK }] });
  await push(app, { platforms: ['android'] });
  const second = await push(app);
  const rows = await deliveriesOfPush(database.db, second);
  expect(rows.map(({ id, reason }) => [id, reason])).toEqual([
    ['a1', 'frequency_cap'],
    ['a2', 'frequency_cap'],
    ['b', null],
    ['nobody', null],
  ]);
  const other = await open({ caps: [{ max: 1, ...WEEK, channel: 'fcm' }] });
  await push(other, { platforms: ['android'] });
  expect((await push(other)).reasons).toEqual({ frequency_cap: 1 });
});

test('a vendor’s day limit is per device, with its own reason', async () => {
  const app = await open({ caps: [{ max: 1, ...DAY, per: 'device', channel: 'apns' }] });
  await push(app, { platforms: ['ios'] });
  expect(await push(app)).toMatchObject({ pending: 1, reasons: { channel_quota: 3 } });
});

test('classes: a cap for marketing neither counts nor holds what is transactional', async () => {
  const app = await open({ caps: [{ max: 1, ...WEEK, class: 'marketing' }] });
  const transactional = { messageClass: 'transactional' };
  await push(app, transactional);
  expect((await push(app)).pending).toBe(4);
  expect((await push(app)).reasons).toEqual({ frequency_cap: 4 });
  expect((await push(app, transactional)).pending).toBe(4);
});

test('a task may ignore caps and count, or not count', async () => {
  const app = await open({ caps: [{ max: 1, ...WEEK }] });
  await push(app, { caps: 'ignore' });
  expect((await push(app)).pending).toBe(4);
  expect((await push(app, { caps: 'ignore_and_count' })).pending).toBe(4);
  const counted = await open({ caps: [{ max: 1, ...WEEK }] });
  await push(counted, { caps: 'ignore_and_count' });
  expect((await push(counted)).reasons).toEqual({ frequency_cap: 4 });
});

test('several rules: the first that holds a device is its reason', async () => {
  const app = await open({
    caps: [
      { max: 3, ...WEEK },
      { max: 1, ...DAY, per: 'device' },
    ],
  });
  await push(app, { platforms: ['ios'] });
  expect((await push(app)).reasons).toEqual({ channel_quota: 3 });
});

test('a rolling window ends after its hours, a day at midnight of the device', async () => {
  const zones: SeededDevice[] = [
    { id: 'auckland', timeZone: 'Pacific/Auckland' },
    { id: 'berlin', timeZone: 'Europe/Berlin' },
    { id: 'odd', timeZone: 'Mars/Olympus' },
  ];
  // 23:10 in Auckland, 11:10 in Berlin, 18:10 in Shanghai, where the app is.
  const app = await open({ caps: [{ max: 1, ...DAY }] }, zones);
  await push(app);
  const rows = await deliveriesOfPush(database.db, await push(app, {}, later(1)));
  expect(rows.map(({ id, reason }) => [id, reason])).toEqual([
    ['auckland', null],
    ['berlin', 'frequency_cap'],
    ['odd', 'frequency_cap'],
  ]);
  const rolling = await open({ caps: [{ max: 1, window: { kind: 'rolling', hours: 24 } }] });
  await push(rolling);
  expect((await push(rolling, {}, later(23))).pending).toBe(0);
  expect((await push(rolling, {}, later(25))).pending).toBe(4);
});

describe('the contact log', () => {
  test('holds what was sent: what was not is free for the next push once a push has ended', async () => {
    const app = await open({ caps: [{ max: 1, ...WEEK }] });
    const first = await push(app);
    await settleAs(first, 'accepted', now, ['a1']);
    await settleAs(first, 'ambiguous', now, ['b']);
    await settleAs(first, 'rejected', now, ['a2']);
    await settleAs(first, 'not_sent');
    await database.db.updateTable('pushes').set({ status: 'cancelled' }).where('no', '=', first.no).execute();
    const rows = await deliveriesOfPush(database.db, await push(app));
    expect(rows.filter(({ reason }) => reason === null).map(({ id }) => id)).toEqual(['nobody']);
  });

  test('knows pushes from before there were caps: those under way and those that have ended', async () => {
    const app = await open({});
    const ended = await push(app, { platforms: ['android'] });
    await settleAs(ended, 'accepted');
    const settle = () => database.db.transaction().execute((trx) => settleContacts(trx, ended.no, now));
    await settle();
    await settle();
    await push(app, { platforms: ['ios'] });
    await setRules(app, { caps: [{ max: 2, ...WEEK }] });
    expect((await push(app)).reasons).toEqual({ frequency_cap: 2 });
    const { rows } = await sql<{
      count: number;
    }>`select count(*) from contacts where app_id = ${app.appId}`.execute(database.db);
    expect(rows[0]?.count).toBe(6);
  });

  test('a push that is prepared again is in the log once; entries that no cap can ask for are dropped', async () => {
    const app = await open({ caps: [{ max: 1, ...WEEK }] });
    const { no, definition } = await push(app);
    const again = await prepareRecipients(database.db, {
      pushNo: no,
      appId: app.appId,
      definition,
      now: later(1),
    });
    expect(again.sendable).toBe(4);
    const count = async () =>
      (
        await sql<{ count: number }>`select count(*) from contacts where app_id = ${app.appId}`.execute(
          database.db,
        )
      ).rows[0]?.count;
    expect(await count()).toBe(4);
    await dropContactsBefore(database.db, now);
    expect(await count()).toBe(4);
    await dropContactsBefore(database.db, later(2));
    expect(await count()).toBe(0);
  });

  test('pushes that are prepared at the same time do not exceed the cap of a user', async () => {
    const app = await open({ caps: [{ max: 2, ...WEEK }] });
    const all = await Promise.all([1, 2, 3, 4, 5].map(() => push(app)));
    expect(all.filter(({ pending }) => pending === 4)).toHaveLength(2);
    expect(all.filter(({ pending }) => pending === 0)).toHaveLength(3);
  });
});

describe('quiet hours', () => {
  const zones: SeededDevice[] = [
    { id: 'auckland', timeZone: 'Pacific/Auckland' },
    { id: 'berlin', timeZone: 'Europe/Berlin' },
    { id: 'home' },
  ];

  test('suppress devices in zones where they hold, over midnight too; other devices are sent to', async () => {
    const app = await open({ quietHours: { from: '22:00', to: '08:00' } }, zones);
    const night = await push(app);
    expect(night.reasons).toEqual({ quiet_hours: 1 });
    expect((await deliveriesOfPush(database.db, night))[0]).toMatchObject({
      id: 'auckland',
      reason: 'quiet_hours',
    });
    // 07:10 in Auckland, 19:10 in Berlin, 02:10 in Shanghai.
    expect((await push(app, {}, later(8))).reasons).toEqual({ quiet_hours: 2 });
    expect((await push(app, { quietHours: 'ignore' }, later(8))).pending).toBe(3);
    const noon = await open({ quietHours: { from: '11:00', to: '12:00', class: 'marketing' } }, zones);
    expect((await push(noon)).reasons).toEqual({ quiet_hours: 1 });
    expect((await push(noon, { messageClass: 'transactional' })).pending).toBe(3);
  });

  test('a push at each device’s own time is judged by the time of its wave', async () => {
    const rules = { quietHours: { from: '22:00', to: '08:00' }, caps: [{ max: 1, ...DAY }] };
    const app = await open(rules, zones);
    expect((await push(app, { local: { at: '2026-11-23T23:00' } })).reasons).toEqual({ quiet_hours: 3 });
    expect((await push(app, { local: { at: '2026-11-23T09:00' } })).pending).toBe(3);
    expect((await push(app, { local: { at: '2026-11-23T10:00' } })).reasons).toEqual({ frequency_cap: 3 });
    expect((await push(app, { local: { at: '2026-11-24T10:00' } })).pending).toBe(3);
  });

  test('that hold: devices in them wait for their end, the others are sent to; a task may drop or ignore', async () => {
    const hold = { from: '22:00', to: '08:00', action: 'hold' };
    const app = await open({ quietHours: hold }, zones);
    const night = await push(app);
    expect(night).toMatchObject({ pending: 3, held: 1, reasons: {} });
    expect(night.prepared).toEqual({ planned: 3, sendable: 3 });
    expect(await leasesOf(night)).toEqual([
      [1, 2, now.toISOString()],
      [3, 3, '2026-11-22T19:00:00.000Z'],
    ]);
    expect((await push(app, { quietHours: 'drop' })).reasons).toEqual({ quiet_hours: 1 });
    expect(await push(app, { quietHours: 'ignore' })).toMatchObject({ pending: 3, held: 0 });
    const drops = await open({ quietHours: { ...hold, action: 'drop', class: 'marketing' } }, zones);
    expect(await push(drops, { quietHours: 'hold' })).toMatchObject({ pending: 3, held: 1 });
    const transactional = { quietHours: 'hold', messageClass: 'transactional' };
    expect(await push(drops, transactional)).toMatchObject({ pending: 3, held: 0 });
  });

  test('a push whose devices are all held back says when it can begin', async () => {
    const app = await open({ quietHours: { from: '22:00', to: '08:00', action: 'hold' } }, [
      { id: 'auckland', timeZone: 'Pacific/Auckland' },
    ]);
    // In another half hour than what other tests leave.
    const { prepared, partitionStart, no } = await push(app, {}, later(0.5));
    expect(prepared).toEqual({ planned: 1, sendable: 1, firstDueAt: Date.parse('2026-11-22T19:00:00Z') });
    expect(await dropPartition(database.db, { partitionStart, now: later(8) })).toBe(false);
    expect((await readStatistics(database.db, { pushNo: no, now: later(8) }))?.held).toBe(1);
    expect(await dropPartition(database.db, { partitionStart, now: later(9) })).toBe(true);
  });

  test('a cap judges a device that is held back by the time at which it is sent to', async () => {
    const rules = { quietHours: { from: '22:00', to: '08:00', action: 'hold' }, caps: [{ max: 1, ...DAY }] };
    const app = await open(rules, [{ id: 'auckland', timeZone: 'Pacific/Auckland' }]);
    await push(app, { quietHours: 'ignore' });
    expect((await push(app)).pending).toBe(1);
    expect((await push(app)).reasons).toEqual({ frequency_cap: 1 });
    expect((await push(app, {}, later(12))).reasons).toEqual({ frequency_cap: 1 });
  });

  test('whatever the zones, the hours and the moment: each device waits for the end of its quiet hours, and the sums hold', async () => {
    const zone = fc.constantFrom(...Intl.supportedValuesOf('timeZone'), 'Mars/Olympus', undefined);
    const time = fc
      .integer({ min: 0, max: 1439 })
      .map((m) => new Date(m * 60_000).toISOString().slice(11, 16));
    const hours = fc.record({ from: time, to: time }).filter(({ from, to }) => from !== to);
    const ahead = fc.integer({ min: 0, max: 400 * 24 });
    await fc.assert(
      fc.asyncProperty(
        fc.array(zone, { minLength: 1, maxLength: 12 }),
        hours,
        ahead,
        async (all, quiet, hour) => {
          const devices = all.map((timeZone, n) => ({ id: `d${n}`, ...(timeZone && { timeZone }) }));
          const app = await open({ quietHours: { ...quiet, action: 'hold' } }, devices);
          const at = later(hour);
          const pushed = await push(app, {}, at);
          const leases = await leasesOf(pushed);
          for (const { id, deliveryNo } of await deliveriesOfPush(database.db, pushed)) {
            const own = all[Number(id.slice(1))];
            const known = own === undefined || own === 'Mars/Olympus' ? 'Asia/Shanghai' : own;
            const lease = leases.find(([from, to]) => deliveryNo >= from && deliveryNo <= to);
            expect(lease?.[2], `${id} ${known}`).toBe(
              new Date(endOfQuiet(quiet, at.getTime(), known)).toISOString(),
            );
          }
          const isHeld = ([, , due]: (typeof leases)[number]) => Date.parse(due) > at.getTime();
          const held = leases.filter(isHeld).reduce((sum, [from, to]) => sum + to - from + 1, 0);
          expect(pushed).toMatchObject({ pending: all.length, held, reasons: {} });
        },
      ),
      { numRuns: 15 },
    );
  });
});
