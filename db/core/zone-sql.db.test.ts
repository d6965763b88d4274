import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { canonicalTimeZone } from '../../domain/time/time-zone.ts';
import { ABBREVIATIONS } from '../../domain/time/time-zone-names.ts';
import { seedPerson } from '../../test/fixtures/ledger-fixture.ts';
import { useTestDatabase } from '../../test/setup/database.ts';
import { knownZoneOfApp } from './zone-sql.ts';

const database = useTestDatabase();
const now = new Date('2026-11-22T10:10:00Z');
/** Winter and summer of both hemispheres. */
const TIMES = [new Date('2026-01-15T12:00:00Z'), new Date('2026-07-15T12:00:00Z')];

async function namesOfPostgres(): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`
    select name
    from pg_timezone_names
    where name !~ '^(posix|right)/'`.execute(database.db);
  return rows.map(({ name }) => name);
}

/** Names of no place: the file of the machine's own zone, and what nothing but Postgres knows. */
const NOT_ZONES = ['localtime', 'posixrules', 'Factory'];

test('every name that Postgres knows is an abbreviation or has a canonical name', async () => {
  const unknown = (await namesOfPostgres()).filter((name) => canonicalTimeZone(name) === undefined);
  expect(unknown.filter((name) => !NOT_ZONES.includes(name) && !(name in ABBREVIATIONS))).toEqual([]);
});

test('Postgres knows each canonical name exactly, with the clock that Intl has for it', async () => {
  const given = [...Intl.supportedValuesOf('timeZone'), ...(await namesOfPostgres())];
  const zones = [...new Set(given.flatMap((name) => canonicalTimeZone(name) ?? []))];
  expect(zones.length).toBeGreaterThan(400);
  const { rows } = await sql<{ zone: string; clocks: string[] | null }>`
    select given.zone, (
      select array_agg(to_char(at at time zone names.name, 'YYYY-MM-DD HH24:MI') order by at)
      from unnest(${TIMES}::timestamptz[]) at
      where names.name is not null
    ) as clocks
    from unnest(${zones}::text[]) given (zone)
    left join pg_timezone_names names on names.name = given.zone`.execute(database.db);
  const clockOf = (zone: string) =>
    TIMES.map((at) => at.toLocaleString('sv', { timeZone: zone }).slice(0, 'YYYY-MM-DD HH:MM'.length));
  for (const { zone, clocks } of rows) expect([zone, clocks]).toEqual([zone, clockOf(zone)]);
});

test.each([
  ['Europe/Berlin', 'Europe/Berlin'],
  ['EUROPE/berlin', 'Europe/Berlin'],
  ['CTT', 'UTC'],
])('an app in %s has its days in %s', async (stored, zone) => {
  const { appId } = await seedPerson(database.db, now);
  await database.db.updateTable('apps').set({ time_zone: stored }).where('id', '=', appId).execute();
  const { rows } = await sql<{ zone: string }>`select ${knownZoneOfApp(appId)} as zone`.execute(database.db);
  expect(rows).toEqual([{ zone }]);
});
