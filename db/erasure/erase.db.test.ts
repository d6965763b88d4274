import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { PLATFORM_CODE, STATUS_CODE } from '../../domain/pushes/delivery.ts';
import { reconcile } from '../../domain/pushes/metrics.ts';
import {
  type SeededDelivery,
  type SeededPush,
  seedPerson,
  seedPush,
  seedTask,
} from '../../test/fixtures/ledger-fixture.ts';
import { useTestDatabase } from '../../test/setup/database.ts';
import { createResultAudience } from '../audiences/result-audience.ts';
import { digestsOf } from '../devices/device-identifiers.ts';
import { registerDevice } from '../devices/devices.ts';
import { recordEvents } from '../events/events.ts';
import { deliveriesOf } from '../ledger/partitions.ts';
import { finalisePush } from '../statistics/finalise.ts';
import { readStatistics, recountStatistics } from '../statistics/statistics.ts';
import { eraseUsers } from './erase.ts';
import { PERSONAL_TABLES } from './erase-registry.ts';

const database = useTestDatabase();
const now = new Date('2026-11-22T08:00:00Z');
const noOf = async (appId: string, deviceId: string) =>
  (
    await database.db
      .selectFrom('devices')
      .select('no')
      .where('app_id', '=', appId)
      .where('device_id', '=', deviceId)
      .executeTakeFirstOrThrow()
  ).no;

async function addDevice(appId: string, deviceId: string, userId: string | null): Promise<number> {
  const digests = digestsOf('custom_id', `of-${appId}-${deviceId}`);
  if (typeof digests === 'string') throw new Error(digests);
  await registerDevice(database.db, {
    appId,
    deviceId,
    platform: 'ios',
    fields: {},
    identifiers: [digests],
    now,
    address: { kind: 'apns_token', token: Buffer.from(`${appId}${deviceId}`.padEnd(40)).toString('hex') },
    secretHash: Buffer.alloc(32),
    provenHash: null,
  });
  await database.db
    .updateTable('devices')
    .set({ user_id: userId })
    .where('app_id', '=', appId)
    .where('device_id', '=', deviceId)
    .execute();
  return await noOf(appId, deviceId);
}

/** Two devices of Ann, one of Bob, and a push in the middle of sending to all of them. */
async function openScene(statuses: Readonly<Record<string, SeededDelivery['status']>>) {
  const { appId, personId } = await seedPerson(database.db, now);
  const taskId = await seedTask(database.db, { appId, personId, now });
  const owners = { a1: 'ann', a2: 'ann', b1: 'bob' } as const;
  for (const [deviceId, user] of Object.entries(owners)) await addDevice(appId, deviceId, user);
  const deliveries: SeededDelivery[] = Object.entries(statuses).map(([deviceId, status]) => ({
    deviceId,
    status,
    ...(status === 'unreachable' ? { platform: null, reason: 'unknown_user' } : { platform: 'ios' }),
  }));
  const push = await seedPush(database.db, { appId, taskId, startedAt: now, deliveries, status: 'sending' });
  await sql`
    update ${deliveriesOf(push.partitionStart)} d set device_no = v.no from devices v
    where d.push_no = ${push.no} and v.app_id = ${appId} and v.device_id = d.device_id`.execute(database.db);
  return { appId, personId, push };
}

const rowsOf = async (push: SeededPush) =>
  (
    await sql<{ id: string; no: number | null; token: string | null; status: number }>`
      select device_id as id, device_no as no, token, status from ${deliveriesOf(push.partitionStart)}
      where push_no = ${push.no} order by delivery_no`.execute(database.db)
  ).rows;
const erase = (appId: string, ...userIds: string[]) => eraseUsers(database.db, { appId, userIds, now });

test("a user's devices, identifiers, events and memberships go; those of others stay", async () => {
  const { appId, personId } = await openScene({});
  const { appId: elsewhere } = await seedPerson(database.db, now);
  await addDevice(elsewhere, 'a1', 'ann');
  const name = await database.db
    .insertInto('event_names')
    .values({ app_id: appId, name: 'bought', created_at: now })
    .returning('no')
    .executeTakeFirstOrThrow();
  const event = { index: 0, nameNo: name.no, at: now, properties: {} };
  await recordEvents(database.db, { appId, now, events: [{ ...event, id: 'e1', of: { userId: 'ann' } }] });
  await recordEvents(database.db, { appId, now, events: [{ ...event, id: 'e2', of: { userId: 'bob' } }] });
  const made = { created_by: personId, created_at: now };
  const audience_id = `audience-${appId}`;
  await database.db
    .insertInto('audiences')
    .values({ id: audience_id, app_id: appId, name: 'List', kind: 'upload', version: 1, ...made })
    .execute();
  await database.db
    .insertInto('audience_versions')
    .values({ audience_id, version: 1, members: 4, source: '{}', ...made })
    .execute();
  const members = [
    [0, 'a1'],
    [1, 'ann'],
    [0, 'b1'],
    [1, 'bob'],
  ] as const;
  await database.db
    .insertInto('audience_members')
    .values(members.map(([kind, id]) => ({ audience_id, version: 1, kind, id })))
    .execute();

  expect(await erase(appId, 'ann')).toEqual({ devices: 2, deliveries: 0, others: 3, inFlight: 0 });
  const left = await database.db
    .selectFrom('devices')
    .select(['app_id', 'device_id'])
    .orderBy('no')
    .execute();
  expect(left.filter((row) => row.app_id === appId).map((row) => row.device_id)).toEqual(['b1']);
  expect(left.some((row) => row.app_id === elsewhere)).toBe(true);
  const identifiers = database.db
    .selectFrom('device_identifiers')
    .select('device_no')
    .where('app_id', '=', appId);
  // Its SHA-256 and its MD5.
  expect(await identifiers.execute()).toHaveLength(2);
  const events = await database.db
    .selectFrom('events')
    .select('user_id')
    .where('app_id', '=', appId)
    .execute();
  expect(events).toEqual([{ user_id: 'bob' }]);
  const kept = database.db.selectFrom('audience_members').select('id').where('audience_id', '=', audience_id);
  expect((await kept.orderBy('id').execute()).map(({ id }) => id)).toEqual(['b1', 'bob']);
  const version = database.db.selectFrom('audience_versions').select('members');
  expect((await version.where('audience_id', '=', audience_id).executeTakeFirst())?.members).toBe(2);
  expect(await erase(appId, 'ann')).toEqual({ devices: 0, deliveries: 0, others: 0, inFlight: 0 });
});

test('deliveries no longer name their recipient, and every number stays', async () => {
  const statuses = { a1: 'accepted', a2: 'rejected', b1: 'accepted', ann: 'unreachable' } as const;
  const { appId, personId, push } = await openScene(statuses);
  const before = await readStatistics(database.db, { pushNo: push.no, now });
  expect(await erase(appId, 'ann')).toMatchObject({ devices: 2, deliveries: 3, inFlight: 0 });
  const rows = await rowsOf(push);
  expect(rows.map(({ id }) => id)).toEqual(['', '', 'b1', '']);
  expect(rows.filter(({ id }) => id === '').every(({ no, token }) => no === null && token === null)).toBe(
    true,
  );
  expect((await readStatistics(database.db, { pushNo: push.no, now }))?.statistics).toEqual(
    before?.statistics,
  );
  const saved = { name: 'Sent', pushNo: push.no, variants: [], filter: {} };
  const audience = { id: `audience-of-${appId}`, appId, ...saved };
  expect(await createResultAudience(database.db, { ...audience, createdBy: personId, now })).toBe(1);
  expect(
    await recountStatistics(database.db, { pushNo: push.no, partitionStart: push.partitionStart }),
  ).toEqual(before?.statistics);
});

test("a user's waiting deliveries are not sent and counted as such, and the frozen numbers add up", async () => {
  const { appId, push } = await openScene({ a1: 'pending', a2: 'retry', b1: 'pending' });
  expect(await erase(appId, 'ann')).toMatchObject({ devices: 2, deliveries: 2, inFlight: 0 });
  const rows = await rowsOf(push);
  expect(rows.map(({ status }) => status)).toEqual([
    STATUS_CODE.not_sent,
    STATUS_CODE.not_sent,
    STATUS_CODE.pending,
  ]);
  const live = await readStatistics(database.db, { pushNo: push.no, now });
  expect(live && reconcile(live.statistics)).toEqual([]);
  const lease = database.db.selectFrom('leases').select('pending').where('push_no', '=', push.no);
  expect((await lease.executeTakeFirst())?.pending[PLATFORM_CODE.ios]).toBe(1);
  expect(await finalisePush(database.db, { push, now })).toEqual([]);
});

test('a device whose request is in flight is silent at once and goes when the answer is there', async () => {
  const { appId, push } = await openScene({ a1: 'pending', a2: 'accepted', b1: 'accepted' });
  await database.db.updateTable('leases').set({ claimed_to: 1 }).where('push_no', '=', push.no).execute();
  expect(await erase(appId, 'ann')).toMatchObject({ devices: 0, deliveries: 1, inFlight: 1 });
  const silent = database.db
    .selectFrom('devices')
    .select(['token', 'unsubscribed_at'])
    .where('app_id', '=', appId);
  expect(await silent.where('device_id', '=', 'a1').execute()).toEqual([
    { token: null, unsubscribed_at: now },
  ]);
  expect((await rowsOf(push))[0]).toMatchObject({ id: 'a1', token: 'token-1' });
  await sql`update ${deliveriesOf(push.partitionStart)} set status = ${STATUS_CODE.accepted}
    where push_no = ${push.no} and delivery_no = 1`.execute(database.db);
  expect(await erase(appId, 'ann')).toMatchObject({ devices: 2, deliveries: 1, inFlight: 0 });
});

test('a user with thousands of devices is erased in batches', async () => {
  const { appId } = await seedPerson(database.db, now);
  await sql`
    insert into devices (app_id, device_id, platform, channel, token_state, user_id, created_at, updated_at)
    select ${appId}, 'd' || n, 0, 'apns', 'none', 'guest', ${now}::timestamptz, ${now}::timestamptz
    from generate_series(1, 2500) n`.execute(database.db);
  expect(await erase(appId, 'guest')).toMatchObject({ devices: 2500 });
});

test('no table knows a user or a device that the erasure does not know', async () => {
  const { rows } = await sql<{ name: string; column: string }>`
    select c.relname as name, a.attname as column from pg_class c
    join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    join pg_namespace s on s.oid = c.relnamespace
    where s.nspname = 'public' and c.relkind in ('r', 'p') and not c.relispartition
      and (a.attname ~ '(^|_)(user|device)(_id|_no|_key)?$'
        or (c.relname ~ 'member' and a.attname = 'id'))
    order by 1, 2`.execute(database.db);
  const found = Object.groupBy(rows, ({ name }) => name);
  const known = Object.entries(PERSONAL_TABLES).map(([name, { columns }]) => [name, columns.toSorted()]);
  const columns = Object.entries(found).map(([name, of = []]) => [
    name,
    of.map(({ column }) => column).toSorted(),
  ]);
  expect(Object.fromEntries(columns)).toEqual(Object.fromEntries(known));
});
