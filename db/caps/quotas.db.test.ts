import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { ContactRules } from '../../domain/caps/cap.ts';
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
import { deliveriesOf } from '../ledger/partitions.ts';
import { settleContacts } from './contact-log.ts';
import { replaceContactRules } from './contact-rules.ts';

const database = useTestDatabase();
/** 18:10 in Shanghai, where the app is. */
const now = new Date('2026-11-22T10:10:00Z');
const later = (hours: number) => new Date(now.getTime() + hours * 3_600_000);
const QUOTA = { per: 'app', channel: 'fcm', window: { kind: 'day' } };

const android = (count: number, more: Partial<SeededDevice> = {}): SeededDevice[] =>
  Array.from({ length: count }, (_, no) => ({
    id: `android-${no}`,
    platform: 'android',
    channel: 'fcm',
    ...more,
  }));

async function open(caps: object[], devices: SeededDevice[], more: object = {}): Promise<SeededApp> {
  const app = await seedDevices(database.db, devices, now);
  const { appId, personId } = app;
  const rules = ContactRules.parse({ caps, ...more });
  await database.db.transaction().execute((trx) => replaceContactRules(trx, { appId, personId, rules, now }));
  return app;
}

async function push(app: SeededApp, more: object = {}, at = now) {
  const prepared = await preparePush(database.db, app, more, at);
  const { suppressedReasons: reasons, pending } = await soundFigures(database.db, prepared, at);
  return { ...prepared, reasons, pending };
}

const isToBeSent = ({ status }: { status: number }) => status === STATUS_CODE.pending;
const sentTo = async (prepared: PreparedPush) =>
  (await deliveriesOfPush(database.db, prepared)).filter(isToBeSent).map(({ id }) => id);

test('all devices of the app share the day limit of a channel, push after push, and other channels have none', async () => {
  const app = await open([{ max: 15, ...QUOTA }], [...android(10), { id: 'iphone' }]);
  expect(await push(app)).toMatchObject({ pending: 11, reasons: {} });
  expect(await push(app)).toMatchObject({ pending: 6, reasons: { channel_quota: 5 } });
  expect(await push(app)).toMatchObject({ pending: 1, reasons: { channel_quota: 10 } });
});

test('each push draws other devices to keep out, and each message to a user counts', async () => {
  const app = await open(
    [
      { max: 1000, ...QUOTA },
      { max: 40, ...QUOTA },
    ],
    android(60, { user: 'one' }),
  );
  const first = await push(app);
  expect(first.pending).toBe(40);
  const other = await open([{ max: 40, ...QUOTA }], android(60));
  expect(await sentTo(await push(other))).not.toEqual(await sentTo(first));
});

test('the day is that of the app, whatever the zone of a device', async () => {
  const app = await open([{ max: 4, ...QUOTA }], android(4, { timeZone: 'America/New_York' }));
  expect((await push(app)).pending).toBe(4);
  // 23:10 in Shanghai, then 00:10 of the next day; in New York it is still the same.
  expect((await push(app, {}, later(5))).reasons).toEqual({ channel_quota: 4 });
  expect((await push(app, {}, later(6))).pending).toBe(4);
});

test('a push at the times of its devices counts in the day of each wave', async () => {
  const zones = ['Asia/Tokyo', 'America/New_York'];
  const devices = zones.flatMap((timeZone) =>
    android(3, { timeZone }).map((device) => ({ ...device, id: `${device.id} ${timeZone}` })),
  );
  const app = await open([{ max: 2, ...QUOTA }], devices);
  // 23:30 in Tokyo is 22:30 in Shanghai; in New York it is noon of the next day there.
  const waves = await push(app, { local: { at: '2026-11-22T23:30' } });
  expect(waves).toMatchObject({ pending: 4, reasons: { channel_quota: 2 } });
  const ids = await sentTo(waves);
  for (const zone of zones) expect(ids.filter((id) => id.endsWith(zone))).toHaveLength(2);
  expect((await push(app)).pending).toBe(0);
  expect((await push(app, {}, later(10))).pending).toBe(0);
});

test('a device that is suppressed anyway uses up no place, and keeps its reason', async () => {
  const variables = { name: { attribute: 'name' } };
  const content = { title: 'Hello {{ name }}', body: 'b', variables };
  const named = android(6).map((device, no) => ({ ...device, attributes: no < 4 ? { name: 'Bo' } : {} }));
  const app = await open([{ max: 3, ...QUOTA }], named);
  expect(await push(app, { content })).toMatchObject({
    pending: 3,
    reasons: { missing_variable: 2, channel_quota: 1 },
  });
});

test('a class has its limit, one for both holds either, and a task that ignores caps is not held', async () => {
  const transactional = { messageClass: 'transactional' };
  const app = await open(
    [
      { max: 2, ...QUOTA, class: 'marketing' },
      { max: 7, ...QUOTA },
    ],
    android(4),
  );
  expect((await push(app)).pending).toBe(2);
  expect((await push(app)).pending).toBe(0);
  expect((await push(app, transactional)).pending).toBe(4);
  expect(await push(app, transactional)).toMatchObject({ pending: 1, reasons: { channel_quota: 3 } });
  expect((await push(app, { ...transactional, caps: 'ignore' })).pending).toBe(4);
});

test('places of deliveries that a push did not send are given back', async () => {
  const app = await open([{ max: 4, ...QUOTA }], android(4));
  const first = await push(app);
  const [one = ''] = await sentTo(first);
  await sql`update ${deliveriesOf(first.partitionStart)} set settled_at = ${now},
    status = case when device_id = ${one} then ${STATUS_CODE.accepted}::smallint else ${STATUS_CODE.not_sent}::smallint end
    where push_no = ${first.no}`.execute(database.db);
  await database.db.transaction().execute((trx) => settleContacts(trx, first.no, now));
  expect(await push(app)).toMatchObject({ pending: 3, reasons: { channel_quota: 1 } });
});

test('pushes that are prepared at once never exceed it together', async () => {
  const app = await open([{ max: 70, ...QUOTA }], android(30));
  const pushes = await Promise.all(Array.from({ length: 5 }, () => push(app)));
  expect(pushes.reduce((sum, { pending }) => sum + pending, 0)).toBe(70);
});

test('a limit that was lowered below what was sent lets nothing through', async () => {
  const app = await open([{ max: 30, ...QUOTA }], android(20));
  await push(app);
  const { appId, personId } = app;
  const rules = ContactRules.parse({ caps: [{ max: 5, ...QUOTA }] });
  await database.db.transaction().execute((trx) => replaceContactRules(trx, { appId, personId, rules, now }));
  expect(await push(app)).toMatchObject({ pending: 0, reasons: { channel_quota: 20 } });
});
