import { randomBytes } from 'node:crypto';
import { sql } from 'kysely';
import { beforeAll, expect, test } from 'vitest';
import type { AudienceRef, AudienceRule } from '../../domain/audiences/audience-rule.ts';
import { ContactRules } from '../../domain/caps/cap.ts';
import { newId } from '../../domain/ids.ts';
import { preparePush, type SeededApp, seedDevices, soundFigures } from '../../test/fixtures/push-fixture.ts';
import { useTestDatabase } from '../../test/setup/database.ts';
import { insertAudience } from '../audiences/audiences.ts';
import { replaceContactRules } from '../caps/contact-rules.ts';
import { deliveriesOf } from '../ledger/partitions.ts';
import { prepareNextPart } from './prepare-next.ts';

const DEVICES = 150_000;
const now = new Date('2026-11-22T10:10:00Z');
const database = useTestDatabase();
let app: SeededApp;
let first: number;

beforeAll(async () => {
  const { db } = database;
  app = await seedDevices(db, [], now);
  await sql`
    insert into devices (
      app_id, device_id, platform, channel, token, token_state, token_registered_at, attributes,
      created_at, updated_at
    )
    select ${app.appId}, 'd' || i, 0, 'apns',
      case when i % 10 > 0 then 't' || i end,
      case when i % 10 > 0 then 'active' else 'none' end,
      ${now}, jsonb_build_object('i', i), ${now}, ${now}
    from generate_series(1, ${DEVICES}::int) i`.execute(db);
  await sql`analyze devices`.execute(db);
  const { rows } = await sql<{ no: number }>`select min(no) as no from devices`.execute(db);
  first = rows[0]?.no ?? 0;
});

async function prepareAll(more: object = {}, meanwhile: () => Promise<unknown> = async () => undefined) {
  const { db } = database;
  const { appId } = app;
  const push = await preparePush(db, app, more, now);
  const parts: { planned: number | null; leases: readonly number[] }[] = [];
  await meanwhile();
  let { lastLease = -1 } = push.prepared;
  for (let hasMore = push.prepared.lastLease !== undefined; hasMore; ) {
    const { no: pushNo, definition } = push;
    const part = await prepareNextPart(db, { pushNo, appId, definition, lastLease, now });
    lastLease = Math.max(lastLease, ...part.leases);
    parts.push({ planned: part.planned, leases: part.leases });
    ({ hasMore } = part);
  }
  return { ...push, parts };
}

async function audienceOf(rule: AudienceRule): Promise<AudienceRef> {
  const id = newId('audience', randomBytes);
  const { appId, personId: by } = app;
  await insertAudience(database.db, { id, appId, name: 'r', kind: 'rule', source: { rule }, by, now });
  return { id, version: 1 };
}

async function setCaps(caps: object[]): Promise<void> {
  const { appId, personId } = app;
  const rules = ContactRules.parse({ caps });
  await database.db.transaction().execute((trx) => replaceContactRules(trx, { appId, personId, rules, now }));
}

const lossOf = async (push: { no: number; partitionStart: Date }, deviceNo: number) => {
  const { rows } = await sql<{ reason: string | null }>`
    select reason
    from ${deliveriesOf(push.partitionStart)}
    where push_no = ${push.no} and device_no = ${deviceNo}`.execute(database.db);
  return rows;
};

test('an audience whose devices cannot be judged each by itself is prepared as a whole', async () => {
  await setCaps([{ per: 'user', max: 1000, window: { kind: 'day' } }]);
  const capped = await prepareAll();
  expect(capped.prepared).toEqual({ planned: DEVICES, sendable: 135_000 });
  await setCaps([]);
  const lastActive = await prepareAll({ devices: 'last_active' });
  expect(lastActive.prepared).toEqual({ planned: DEVICES, sendable: 135_000 });
});

test('the first part of a large audience can be sent before the others are written, and the parts add up', async () => {
  const { db } = database;
  const push = await prepareAll();
  expect(push.prepared).toEqual({ planned: 20_000, sendable: 18_000, lastLease: 3 });
  expect(push.parts.map(({ planned }) => planned)).toEqual([120_000, DEVICES]);
  const figures = await soundFigures(db, push, now);
  expect(figures).toMatchObject({ planned: DEVICES, matched: 135_000, pending: 135_000, losses: 15_000 });
  const { rows } = await sql<object>`
    select count(*)::int, count(distinct device_no)::int as devices, min(delivery_no), max(delivery_no)
    from ${deliveriesOf(push.partitionStart)}
    where push_no = ${push.no}`.execute(db);
  expect(rows).toEqual([{ count: DEVICES, devices: DEVICES, min: 1, max: DEVICES }]);
});

test('leases of all parts hold each device that is to be sent to once', async () => {
  const { db } = database;
  const push = await prepareAll();
  const { rows } = await sql<{ leases: number; held: number }>`
    select count(lease.lease_no)::int as leases, count(distinct d.delivery_no)::int as held
    from ${deliveriesOf(push.partitionStart)} d
    join leases lease on lease.push_no = d.push_no and d.delivery_no between lease.first_no and lease.last_no
    where d.push_no = ${push.no} and d.status = 0`.execute(db);
  expect(rows).toEqual([{ leases: 135_000, held: 135_000 }]);
  const leases = await db.selectFrom('leases').select('lease_no').where('push_no', '=', push.no).execute();
  const made = push.parts.flatMap((part) => part.leases);
  expect(leases.map(({ lease_no }) => lease_no).sort((a, b) => a - b)).toEqual([0, 1, 2, 3, ...made]);
});

test('leases of parts whose answers were lost are in the next answer, and nothing is written again', async () => {
  const { db } = database;
  const { appId } = app;
  const push = await preparePush(db, app, {}, now);
  const { no: pushNo, definition } = push;
  const prepareNext = () => prepareNextPart(db, { pushNo, appId, definition, lastLease: 3, now });
  const [lost, next, last] = [await prepareNext(), await prepareNext(), await prepareNext()];
  expect(lost).toMatchObject({ planned: 120_000, leases: [4, 5, 6, 7, 8], hasMore: true });
  expect(next).toEqual({ planned: DEVICES, leases: [4, 5, 6, 7, 8, 9, 10, 11, 12], hasMore: false });
  expect(last).toEqual(next);
  expect((await soundFigures(db, push, now)).planned).toBe(DEVICES);
});

test('a token that a later device took over in the meantime is not sent to twice', async () => {
  const { db } = database;
  const [early, later, other] = [first, first + 60_000, first + 60_001];
  const push = await prepareAll({}, async () => {
    await sql`update devices set token_state = 'replaced', updated_at = ${now} where no = ${early}`.execute(
      db,
    );
    const register = (no: number, token: string) =>
      sql`
        update devices
        set token = ${token}, token_registered_at = ${now}, updated_at = ${now}
        where no = ${no}`.execute(db);
    await register(later, 't1');
    await register(other, 'fresh');
  });
  expect(await lossOf(push, early)).toEqual([{ reason: null }]);
  expect(await lossOf(push, later)).toEqual([{ reason: 'duplicate_device' }]);
  expect(await lossOf(push, other)).toEqual([{ reason: null }]);
  await soundFigures(db, push, now);
});

test('an audience of few devices has two parts, and a rule that needs more than the device has one', async () => {
  const few = await prepareAll({
    audience: await audienceOf({ field: 'attribute', name: 'i', op: 'lte', value: 50 }),
  });
  expect(few.prepared).toMatchObject({ planned: 50, lastLease: 0 });
  expect(few.parts).toEqual([{ planned: 50, leases: [] }]);
  const upload = newId('audience', randomBytes);
  const { appId, personId } = app;
  await sql`
    insert into audiences
    values (${upload}, ${appId}, 'a', 'upload', 1, ${personId}, ${now})`.execute(database.db);
  await sql`insert into audience_versions values (${upload}, 1, 0, '{}', ${personId}, ${now})`.execute(
    database.db,
  );
  const unlisted: AudienceRule = { not: { field: 'audience', op: 'in', id: upload, version: 1 } };
  const judged = await prepareAll({ audience: await audienceOf(unlisted) });
  expect(judged.prepared).toEqual({ planned: DEVICES, sendable: expect.any(Number) });
});
