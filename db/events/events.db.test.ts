import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { seedPerson, seedTask } from '../../test/fixtures/ledger-fixture.ts';
import { useTestDatabase } from '../../test/setup/database.ts';
import { dropFrozenAudiences, freezeAudience } from '../audiences/frozen-audience.ts';
import { dropEventsBefore } from './event-months.ts';
import { createEventNames, MAX_EVENT_NAMES } from './event-names.ts';
import { recordEvents } from './events.ts';

const database = useTestDatabase();
const now = new Date('2026-11-22T10:10:00Z');

async function months(): Promise<string[]> {
  const { rows } = await sql<{ month: string }>`
    select to_char(at at time zone 'UTC', 'YYYY-MM') as month from events order by at`.execute(database.db);
  return rows.map(({ month }) => month);
}

test('dropping old events removes whole months only', async () => {
  const { db } = database;
  const { appId } = await seedPerson(db, now);
  const numbers = await createEventNames(db).numbersOf(appId, ['bought'], now);
  const at = ['2026-01-31T23:59:59Z', '2026-02-01T00:00:00Z', '2026-11-22T10:00:00Z'].map(
    (text) => new Date(text),
  );
  const events = at.map((when, index) => ({
    index,
    id: `e${index}`,
    nameNo: numbers.get('bought') ?? 0,
    at: when,
    properties: {},
    of: { userId: 'u' },
  }));
  await recordEvents(db, { appId, now, events });
  expect(await dropEventsBefore(db, new Date('2026-02-15T00:00:00Z'))).toBe(1);
  expect(await months()).toEqual(['2026-02', '2026-11']);
  expect((await recordEvents(db, { appId, now, events: events.slice(1) })).get(2)).toBe('duplicate');
});

test('an app at its limit of event names takes no new name and keeps the known ones', async () => {
  const { db } = database;
  const { appId } = await seedPerson(db, now);
  const names = Array.from({ length: MAX_EVENT_NAMES }, (_, n) => `name-${n}`);
  const store = createEventNames(db);
  expect((await store.numbersOf(appId, names, now)).size).toBe(MAX_EVENT_NAMES);
  const more = await store.numbersOf(appId, ['one-more', 'name-7'], now);
  expect([more.has('one-more'), more.has('name-7')]).toEqual([false, true]);
});

test('a frozen audience is deleted when its task will not push again', async () => {
  const { db } = database;
  const { appId, personId } = await seedPerson(db, now);
  const taskId = await seedTask(db, { appId, personId, now });
  await sql`insert into audiences (id, app_id, name, kind, version, created_by, created_at)
    select definition #>> '{audience,id}', ${appId}, 'all', 'all', 1, ${personId}, ${now} from task_revisions where task_id = ${taskId}`.execute(
    db,
  );
  await sql`insert into audience_versions (audience_id, version, members, created_by, created_at)
    select id, 1, 0, ${personId}, ${now} from audiences where app_id = ${appId}`.execute(db);
  await freezeAudience(db, { taskId, revision: 1, now });
  const copies = async () =>
    (await sql`select from frozen_audiences where task_id = ${taskId}`.execute(db)).rows.length;
  await dropFrozenAudiences(db);
  expect(await copies()).toBe(1);
  await sql`update tasks set status = 'completed' where id = ${taskId}`.execute(db);
  await dropFrozenAudiences(db);
  expect(await copies()).toBe(0);
});
