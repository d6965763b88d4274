import { randomBytes } from 'node:crypto';
import { sql } from 'kysely';
import { beforeEach, expect, test } from 'vitest';
import type { AudienceRule } from '../../domain/audiences/audience-rule.ts';
import { newId } from '../../domain/ids.ts';
import { seedPerson, seedPush, seedTask } from '../../test/fixtures/ledger-fixture.ts';
import { useTestDatabase } from '../../test/setup/database.ts';
import { createEventNames } from '../events/event-names.ts';
import { recordEvents } from '../events/events.ts';
import { insertAudience } from './audiences.ts';
import { recipientRows } from './recipients.ts';

const database = useTestDatabase();
const now = new Date('2026-11-22T10:10:00Z');
const hoursAgo = (hours: number) => new Date(now.getTime() - hours * 3_600_000);

let appId: string;
let personId: string;
beforeEach(async () => {
  ({ appId, personId } = await seedPerson(database.db, now));
});

async function seedDevices(...devices: readonly { id: string; user?: string; platform?: number }[]) {
  for (const { id, user, platform = 1 } of devices) {
    await sql`insert into devices (app_id, device_id, platform, channel, token_state, user_id, attributes, created_at, updated_at)
      values (${appId}, ${id}, ${platform}, 'fcm', 'none', ${user ?? null}, jsonb_build_object('id', ${id}::text), ${now}, ${now})`.execute(
      database.db,
    );
  }
}
async function chosen(rule: AudienceRule, at = now): Promise<string[]> {
  const planning = {
    appId,
    now: at,
    platforms: ['ios', 'android', 'web'],
    exclusions: [],
    devices: 'all',
  } as const;
  const rows = await recipientRows(database.db, { ...planning, from: { rule } });
  const answer = await sql<{ id: string }>`select id from (${rows}) judged order by id`.execute(database.db);
  return answer.rows.map(({ id }) => id);
}
async function report(
  ...events: readonly { of: { userId: string } | { deviceId: string } }[]
): Promise<void> {
  const numbers = await createEventNames(database.db).numbersOf(appId, ['bought'], now);
  await recordEvents(database.db, {
    appId,
    now,
    events: events.map(({ of }, index) => ({
      index,
      id: randomBytes(8).toString('hex'),
      nameNo: numbers.get('bought') ?? 0,
      at: hoursAgo(1),
      properties: {},
      of,
    })),
  });
}

test("a device matches by its events before it had a user, and by its user's events on other devices", async () => {
  await seedDevices({ id: 'phone' }, { id: 'tablet', user: 'mei' }, { id: 'other' });
  await report({ of: { deviceId: 'phone' } });
  const bought = { field: 'event', op: 'done', name: 'bought', days: 1 } as const;
  expect(await chosen(bought)).toEqual(['phone']);
  await sql`update devices set user_id = 'mei' where device_id = 'phone' and app_id = ${appId}`.execute(
    database.db,
  );
  expect(await chosen(bought)).toEqual(['phone']);
  expect(await chosen({ ...bought, times: 2 })).toEqual([]);
  await report({ of: { deviceId: 'phone' } });
  expect(await chosen({ ...bought, times: 2 })).toEqual(['phone']);
  expect(await chosen(bought)).toEqual(['phone', 'tablet']);
  expect(await chosen({ ...bought, op: 'not_done' })).toEqual(['other']);
});

test('events of another app, and events after the moment of the rule, do not count', async () => {
  await seedDevices({ id: 'phone', user: 'mei' });
  const other = await seedPerson(database.db, now);
  const own = appId;
  appId = other.appId;
  await seedDevices({ id: 'foreign', user: 'mei' });
  await report({ of: { userId: 'mei' } });
  const bought = { field: 'event', op: 'done', name: 'bought', days: 1 } as const;
  expect([await chosen(bought), await chosen(bought, hoursAgo(2))]).toEqual([['foreign'], []]);
  appId = own;
  expect(await chosen(bought)).toEqual([]);
});

test('a rule refers to uploads, to everybody, and to nested rules', async () => {
  const { db } = database;
  await seedDevices({ id: 'a' }, { id: 'b', user: 'u' }, { id: 'c', user: 'u' }, { id: 'd' });
  const make = async (kind: 'all' | 'rule', source: object) => {
    const id = newId('audience', randomBytes);
    await insertAudience(db, { id, appId, name: 'x', kind, source, by: personId, now });
    return { field: 'audience', op: 'in', id, version: 1 } as const;
  };
  const upload = await make('all', {});
  await sql`update audiences set kind = 'upload' where id = ${upload.id}`.execute(db);
  await sql`insert into audience_members values (${upload.id}, 1, 0, 'a'), (${upload.id}, 1, 0, 'b'), (${upload.id}, 1, 1, 'u'),
    (${upload.id}, 1, 0, 'nobody')`.execute(db);
  expect(await chosen(upload)).toEqual(['a', 'b', 'c']);
  expect(await chosen({ not: upload })).toEqual(['d']);
  expect(await chosen(await make('all', {}))).toEqual(['a', 'b', 'c', 'd']);
  const inner = await make('rule', {
    rule: { any: [{ not: upload }, { field: 'attribute', name: 'id', op: 'in', value: ['a'] }] },
  });
  expect(
    await chosen({ all: [inner, { not: { field: 'attribute', name: 'id', op: 'in', value: ['d'] } }] }),
  ).toEqual(['a']);
});

test('a rule matches by results of pushes while their deliveries are stored', async () => {
  const { db } = database;
  await seedDevices(
    { id: 'opened' },
    { id: 'silent' },
    { id: 'iphone', platform: 0 },
    { id: 'lost' },
    { id: 'stranger' },
  );
  const taskId = await seedTask(db, { appId, personId, now });
  const push = await seedPush(db, {
    appId,
    taskId,
    startedAt: hoursAgo(10),
    deliveries: [
      { status: 'accepted', platform: 'android', deviceId: 'opened' },
      { status: 'accepted', platform: 'android', deviceId: 'silent' },
      { status: 'accepted', platform: 'ios', deviceId: 'iphone' },
      { status: 'unreachable', platform: 'android', deviceId: 'lost', reason: 'no_token' },
    ],
  });
  await sql`update deliveries set device_no = d.no from devices d where d.app_id = ${appId} and d.device_id = deliveries.device_id
    and push_no = ${push.no}`.execute(db);
  await sql`update deliveries set delivered_at = ${hoursAgo(9)}, open_at = ${hoursAgo(9)} where push_no = ${push.no}
    and device_id = 'opened'`.execute(db);
  const did = (op: 'sent' | 'received' | 'opened', more = {}) => chosen({ field: 'push', op, ...more });
  expect(await did('sent')).toEqual(['iphone', 'opened', 'silent']);
  expect(await did('received', { taskId })).toEqual(['iphone', 'opened']);
  expect(await did('opened', { pushId: push.id })).toEqual(['opened']);
  expect(await did('opened', { hours: 9 })).toEqual([]);
  expect(await chosen({ not: { field: 'push', op: 'sent' } })).toEqual(['lost', 'stranger']);
  const later = new Date(push.windowEndsAt.getTime() + 1);
  const rule = { not: { field: 'push', op: 'opened', pushId: push.id } } as const;
  await expect(chosen(rule, later)).rejects.toThrow(`the deliveries of ${push.id} are not available`);
  expect(await chosen({ field: 'push', op: 'opened' }, later)).toEqual([]);
});
