import { randomBytes } from 'node:crypto';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { newId, pushIdOf } from '../domain/ids.ts';
import { TaskDefinition } from '../domain/task-definition.ts';
import { useTestDatabase } from '../test/setup/database.ts';
import { seedPerson } from './ledger-fixture.ts';
import { prepareRecipients } from './prepare.ts';
import { createPush, findPush } from './pushes.ts';
import { dropSlot } from './slots.ts';
import { readStatistics, recountStatistics } from './statistics.ts';
import { insertTask } from './tasks.ts';

const database = useTestDatabase();
const now = new Date('2026-11-22T10:10:00Z');

interface Device {
  readonly id: string;
  readonly platform?: number;
  readonly state?: 'active' | 'none' | 'invalid';
  readonly user?: string;
  readonly unsubscribed?: boolean;
}

async function prepare(
  devices: readonly Device[],
  members: readonly (readonly [kind: number, id: string])[],
) {
  const { db } = database;
  const { appId, personId } = await seedPerson(db, now);
  for (const device of devices) {
    await sql`insert into devices (app_id, device_id, platform, channel, token, token_state, token_registered_at, user_id, unsubscribed_at, created_at, updated_at)
      values (${appId}, ${device.id}, ${device.platform ?? 0}, 'apns', ${`token-${device.id}`}, ${device.state ?? 'active'}, ${now},
        ${device.user ?? null}, ${device.unsubscribed === true ? now : null}, ${now}, ${now})`.execute(db);
  }
  const audience = newId('audience', randomBytes);
  await sql`insert into audiences values (${audience}, ${appId}, 'a', 'upload', 1, ${personId}, ${now})`.execute(
    db,
  );
  await sql`insert into audience_versions values (${audience}, 1, ${members.length}, '{}', ${personId}, ${now})`.execute(
    db,
  );
  for (const [kind, id] of members) {
    await sql`insert into audience_members values (${audience}, 1, ${kind}, ${id})`.execute(db);
  }
  const definition = TaskDefinition.parse({
    audience: { id: audience, version: 1 },
    platforms: ['ios', 'android'],
    pushType: 'single',
    content: { title: 't', body: 'b' },
  });
  const taskId = newId('task', randomBytes);
  await insertTask(db, { id: taskId, appId, name: 'Sale', definition, creator: personId, now });
  const id = pushIdOf(taskId, 1);
  await createPush(db, { id, taskId, seq: 1, revision: 1, dueAt: now, windowMs: 1000, now });
  const { no } = await findPush(db, id);
  const prepared = await prepareRecipients(db, { pushNo: no, appId, definition, now });
  return { no, id, appId, definition, prepared };
}

test('every planned ID is to be sent or lost with its reason', async () => {
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
  const { slot } = await findPush(database.db, id);
  if (slot === null) throw new Error('not prepared');
  expect(await recountStatistics(database.db, { pushNo: no, slot })).toEqual(answer?.statistics);
});

test('preparing again, later, starts afresh in the slot of that time', async () => {
  const { no, id, appId, definition } = await prepare([{ id: 'good' }], [[0, 'good']]);
  const later = new Date(now.getTime() + 3_600_000);
  const again = await prepareRecipients(database.db, { pushNo: no, appId, definition, now: later });
  expect(again).toEqual({ planned: 1, sendable: 1 });
  const { slot } = await findPush(database.db, id);
  expect(slot).toEqual(new Date('2026-11-22T11:00:00Z'));
  const answer = await readStatistics(database.db, { pushNo: no, now: later });
  expect(answer?.statistics).toMatchObject({ planned: 1, pending: 1 });
});

test('a push that was prepared and never started does not keep the details of its half hour', async () => {
  const { db } = database;
  const { no, id, appId, definition } = await prepare([{ id: 'good' }], [[0, 'good']]);
  const { slot } = await findPush(db, id);
  if (slot === null) throw new Error('not prepared');
  const minutes = (count: number) => new Date(slot.getTime() + count * 60_000);
  expect(await dropSlot(db, { slot, now: minutes(50) })).toBe(false);
  expect(await dropSlot(db, { slot, now: minutes(61) })).toBe(true);
  const again = await prepareRecipients(db, { pushNo: no, appId, definition, now: minutes(90) });
  expect(again).toEqual({ planned: 1, sendable: 1 });
});
