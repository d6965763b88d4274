import { randomBytes } from 'node:crypto';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import type { AudienceRef, AudienceRule } from '../../domain/audiences/audience-rule.ts';
import { newId, pushIdOf } from '../../domain/ids.ts';
import { reconcile } from '../../domain/pushes/metrics.ts';
import { TaskDefinition } from '../../domain/tasks/task-definition.ts';
import { seedPerson } from '../../test/fixtures/ledger-fixture.ts';
import { useTestDatabase } from '../../test/setup/database.ts';
import { insertAudience } from '../audiences/audiences.ts';
import { freezeAudience } from '../audiences/frozen-audience.ts';
import { dropPartition } from '../ledger/partitions.ts';
import { createPush, findPush } from '../ledger/pushes.ts';
import { readStatistics, recountStatistics } from '../statistics/statistics.ts';
import { insertTask } from '../tasks/tasks.ts';
import { prepareRecipients } from './prepare.ts';

const database = useTestDatabase();
const now = new Date('2026-11-22T10:10:00Z');

interface Device {
  readonly id: string;
  readonly platform?: number;
  readonly state?: 'active' | 'none' | 'invalid';
  readonly user?: string;
  readonly active?: Date;
  readonly unsubscribed?: boolean;
}

async function prepare(
  devices: readonly Device[],
  members: readonly (readonly [kind: number, id: string])[],
  more: (make: (rule: AudienceRule) => Promise<AudienceRef>) => Promise<object> = async () => ({}),
) {
  const { db } = database;
  const { appId, personId } = await seedPerson(db, now);
  for (const device of devices) {
    await sql`
      insert into devices (
        app_id, device_id, platform, channel, token, token_state, token_registered_at,
        user_id, unsubscribed_at, last_active_at, attributes, created_at, updated_at
      )
      values (
        ${appId}, ${device.id}, ${device.platform ?? 0}, 'apns', ${`token-${device.id}`},
        ${device.state ?? 'active'}, ${now},
        ${device.user ?? null}, ${device.unsubscribed === true ? now : null}, ${device.active ?? null},
        jsonb_build_object('id', ${device.id}::text), ${now}, ${now}
      )`.execute(db);
  }
  const audience = newId('audience', randomBytes);
  await sql`
    insert into audiences
    values (${audience}, ${appId}, 'a', 'upload', 1, ${personId}, ${now})`.execute(db);
  await sql`
    insert into audience_versions
    values (${audience}, 1, ${members.length}, '{}', ${personId}, ${now})`.execute(db);
  for (const [kind, id] of members) {
    await sql`insert into audience_members values (${audience}, 1, ${kind}, ${id})`.execute(db);
  }
  const definition = TaskDefinition.parse({
    audience: { id: audience, version: 1 },
    platforms: ['ios', 'android'],
    pushType: 'single',
    content: { title: 't', body: 'b' },
    ...(await more(async (rule) => {
      const id = newId('audience', randomBytes);
      const source = { rule };
      await insertAudience(db, { id, appId, name: 'r', kind: 'rule', source, by: personId, now });
      return { id, version: 1 };
    })),
  });
  const taskId = newId('task', randomBytes);
  await insertTask(db, { id: taskId, appId, name: 'Sale', definition, creator: personId, now });
  const id = pushIdOf(taskId, 1);
  await createPush(db, { id, taskId, seq: 1, revision: 1, dueAt: now, windowMs: 1000, now });
  const { no } = await findPush(db, id);
  const isFrozen = definition.audienceAt === 'approval';
  const frozenNo = isFrozen ? await freezeAudience(db, { taskId, revision: 1, now }) : undefined;
  const prepared = await prepareRecipients(db, { pushNo: no, appId, definition, frozenNo, now });
  return { no, id, taskId, appId, definition, prepared };
}

test('every planned ID is to be sent or unreachable with its reason', async () => {
  const { no, id, prepared } = await prepare(
    [
      { id: 'good' },
      { id: 'android', platform: 1, user: 'u1' },
      { id: 'tablet', user: 'u1' },
      { id: 'web', platform: 2 },
      { id: 'gone', state: 'invalid' },
      { id: 'silent', state: 'none' },
      { id: 'quiet', unsubscribed: true },
    ],
    [
      [0, 'good'],
      [0, 'android'],
      [1, 'u1'],
      [1, 'nobody'],
      [0, 'web'],
      [0, 'gone'],
      [0, 'silent'],
      [0, 'quiet'],
      [0, 'stranger'],
    ],
  );
  expect(prepared).toEqual({ planned: 10, sendable: 3 });
  const answer = await readStatistics(database.db, { pushNo: no, now });
  expect(answer?.statistics).toMatchObject({
    planned: 10,
    matched: 3,
    losses: 7,
    pending: 3,
    lossReasons: {
      duplicate_device: 1,
      unknown_user: 1,
      unknown_device: 1,
      other_platform: 1,
      invalid_token: 1,
      no_token: 1,
      unsubscribed: 1,
    },
  });
  const { partition_start: partitionStart } = await findPush(database.db, id);
  if (partitionStart === null) throw new Error('not prepared');
  expect(await recountStatistics(database.db, { pushNo: no, partitionStart })).toEqual(answer?.statistics);
});

test('a push that is prepared again later starts over in the partition of that time', async () => {
  const { no, id, appId, definition } = await prepare([{ id: 'good' }], [[0, 'good']]);
  const later = new Date(now.getTime() + 3_600_000);
  const again = await prepareRecipients(database.db, { pushNo: no, appId, definition, now: later });
  expect(again).toEqual({ planned: 1, sendable: 1 });
  const { partition_start: partitionStart } = await findPush(database.db, id);
  expect(partitionStart).toEqual(new Date('2026-11-22T11:00:00Z'));
  const answer = await readStatistics(database.db, { pushNo: no, now: later });
  expect(answer?.statistics).toMatchObject({ planned: 1, pending: 1 });
});

test('a push that was prepared and never started does not keep the deliveries of its half hour', async () => {
  const { db } = database;
  const { no, id, appId, definition } = await prepare([{ id: 'good' }], [[0, 'good']]);
  const { partition_start: partitionStart } = await findPush(db, id);
  if (partitionStart === null) throw new Error('not prepared');
  const minutes = (count: number) => new Date(partitionStart.getTime() + count * 60_000);
  expect(await dropPartition(db, { partitionStart, now: minutes(50) })).toBe(false);
  expect(await dropPartition(db, { partitionStart, now: minutes(61) })).toBe(true);
  const again = await prepareRecipients(db, { pushNo: no, appId, definition, now: minutes(90) });
  expect(again).toEqual({ planned: 1, sendable: 1 });
});

const ids = (...value: string[]): AudienceRule => ({ field: 'attribute', name: 'id', op: 'in', value });

/** The live numbers, which have to add up and to equal a recount of the rows. */
async function figures({ no, id }: { no: number; id: string }) {
  const answer = await readStatistics(database.db, { pushNo: no, now });
  const { partition_start: partitionStart } = await findPush(database.db, id);
  if (partitionStart === null || answer === undefined) throw new Error('not prepared');
  expect(reconcile(answer.statistics)).toEqual([]);
  expect(await recountStatistics(database.db, { pushNo: no, partitionStart })).toEqual(answer.statistics);
  return answer.statistics;
}

test('a rule plans the devices that meet it, each once', async () => {
  const push = await prepare([{ id: 'a' }, { id: 'b', state: 'none' }, { id: 'c' }], [], async (make) => ({
    audience: await make(ids('a', 'b', 'x')),
  }));
  expect(push.prepared).toEqual({ planned: 2, sendable: 1 });
  expect(await figures(push)).toMatchObject({ planned: 2, matched: 1, lossReasons: { no_token: 1 } });
});

test('a device in an excluded audience is matched and suppressed, unless it is unreachable anyway', async () => {
  const devices = [{ id: 'a' }, { id: 'b' }, { id: 'c' }, { id: 'gone', state: 'invalid' as const }];
  const members = ['a', 'b', 'c', 'gone', 'stranger'].map((id) => [0, id] as const);
  const push = await prepare(devices, members, async (make) => ({
    exclusions: [await make(ids('b', 'gone')), await make(ids('c'))],
  }));
  expect(push.prepared).toEqual({ planned: 5, sendable: 1 });
  expect(await figures(push)).toMatchObject({
    planned: 5,
    matched: 3,
    suppressed: 2,
    pending: 1,
    losses: 2,
    suppressedReasons: { excluded: 2 },
  });
  const { rows } = await sql<{ delivery_no: number; device_id: string }>`
    select delivery_no, device_id from deliveries where push_no = ${push.no} and status = 0`.execute(
    database.db,
  );
  expect(rows).toEqual([{ delivery_no: 1, device_id: 'a' }]);
});

test('only the last active device of a user is sent to, among those that can be sent to', async () => {
  const at = (minutes: number) => new Date(now.getTime() - minutes * 60_000);
  const push = await prepare(
    [
      { id: 'newest', user: 'u', active: at(1), state: 'none' },
      { id: 'kept-out', user: 'u', active: at(2) },
      { id: 'last', user: 'u', active: at(3) },
      { id: 'older', user: 'u', active: at(4) },
      { id: 'never', user: 'u' },
      { id: 'alone', user: 'v' },
      { id: 'nobody-1' },
      { id: 'nobody-2' },
    ],
    [
      [1, 'u'],
      [1, 'v'],
      [0, 'nobody-1'],
      [0, 'nobody-2'],
    ],
    async (make) => ({ devices: 'last_active', exclusions: [await make(ids('kept-out'))] }),
  );
  expect(await figures(push)).toMatchObject({
    planned: 8,
    matched: 7,
    suppressed: 3,
    pending: 4,
    suppressedReasons: { excluded: 1, not_last_active: 2 },
  });
  const { rows } = await sql<{ device_id: string }>`
    select device_id from deliveries where push_no = ${push.no} and status = 0 order by 1`.execute(
    database.db,
  );
  expect(rows.map((row) => row.device_id)).toEqual(['alone', 'last', 'nobody-1', 'nobody-2']);
});

test('an audience that was frozen at approval keeps its devices; their tokens are those of the push', async () => {
  const { db } = database;
  const { no, id, taskId, appId, definition } = await prepare(
    [{ id: 'a', user: 'u' }, { id: 'b', user: 'u' }, { id: 'c' }],
    [
      [1, 'u'],
      [0, 'a'],
      [0, 'c'],
      [0, 'stranger'],
    ],
    async () => ({ audienceAt: 'approval' }),
  );
  await sql`update devices set user_id = null where app_id = ${appId} and device_id = 'b'`.execute(db);
  await sql`update devices set token_state = 'invalid' where app_id = ${appId} and device_id = 'c'`.execute(
    db,
  );
  await sql`
    insert into devices (app_id, device_id, platform, channel, token_state, user_id, created_at, updated_at)
    values
      (${appId}, 'new', 0, 'apns', 'active', 'u', ${now}, ${now}),
      (${appId}, 'stranger', 0, 'apns', 'active', null, ${now}, ${now})`.execute(db);
  const frozenNo = await freezeAudience(db, { taskId, revision: 1, now });
  await prepareRecipients(db, { pushNo: no, appId, definition, frozenNo, now });
  expect(await figures({ no, id })).toMatchObject({
    planned: 5,
    matched: 2,
    lossReasons: { duplicate_device: 1, invalid_token: 1, unknown_device: 1 },
  });
});

test('two that freeze at once make one copy', async () => {
  const { taskId } = await prepare([{ id: 'a' }], [[0, 'a']]);
  const copies = await Promise.all(
    [1, 2, 3].map(() => freezeAudience(database.db, { taskId, revision: 1, now })),
  );
  expect(new Set(copies).size).toBe(1);
  const { rows } = await sql`select from frozen_members where frozen_no = ${copies[0]}`.execute(database.db);
  expect(rows).toHaveLength(1);
});
