import { type Kysely, sql } from 'kysely';
import { expect, test } from 'vitest';
import { canonicalLocale } from '../../domain/locale.ts';
import { canonicalTimeZone } from '../../domain/time/time-zone.ts';
import { seedPerson } from '../../test/fixtures/ledger-fixture.ts';
import { useTestDatabase } from '../../test/setup/database.ts';
import { up } from './2026-11-30-0002-zones-and-locales.ts';

const database = useTestDatabase();
const now = new Date('2026-11-22T10:10:00Z');

const ZONES = [
  'Europe/Berlin',
  'europe/berlin',
  'IST',
  'Asia/Calcutta',
  'US/Pacific',
  'GMT',
  'Etc/GMT-8',
  'CTT',
];
const LOCALES = [
  'in_ID',
  'zh_TW_#Hant',
  'nb-NO',
  'pt_BR',
  'English',
  'DE',
  'x',
  'sr_RS_#Latn',
  'en-US-POSIX',
];

test('rows from before are mended as the product would store them', async () => {
  const { db } = database;
  const { appId } = await seedPerson(db, now);
  const { appId: odd } = await seedPerson(db, now);
  await db.updateTable('apps').set({ time_zone: 'EUROPE/BERLIN' }).where('id', '=', appId).execute();
  await db.updateTable('apps').set({ time_zone: 'CTT' }).where('id', '=', odd).execute();
  await sql`
    insert into devices (app_id, device_id, platform, channel, token_state, time_zone, locale, created_at, updated_at)
    select ${appId}, 'd' || place, 0, 'apns', 'none', zone, locale, ${now}, ${now}
    from unnest(${ZONES}::text[], ${LOCALES}::text[]) with ordinality given (zone, locale, place)`.execute(
    db,
  );
  await sql`drop index devices_app_id_locale_idx`.execute(db);
  await up(db as unknown as Kysely<unknown>);
  const devices = await db
    .selectFrom('devices')
    .select(['time_zone', 'locale'])
    .where('app_id', '=', appId)
    .orderBy('no')
    .execute();
  const expected = LOCALES.map((locale, place) => ({
    time_zone: canonicalTimeZone(ZONES[place] ?? '') ?? null,
    locale: canonicalLocale(locale) ?? null,
  }));
  expect(devices).toEqual(expected);
  const apps = await db
    .selectFrom('apps')
    .select(['id', 'time_zone'])
    .where('id', 'in', [appId, odd])
    .execute();
  expect(new Map(apps.map(({ id, time_zone }) => [id, time_zone]))).toEqual(
    new Map([
      [appId, 'Europe/Berlin'],
      [odd, 'Asia/Shanghai'],
    ]),
  );
});
