import { sql } from 'kysely';
import { expect, test } from 'vitest';
import type { AudienceRule } from '../../domain/audiences/audience-rule.ts';
import { faultsOfRule } from '../../domain/audiences/audience-rule-check.ts';
import { seedPerson } from '../../test/fixtures/ledger-fixture.ts';
import { useTestDatabase } from '../../test/setup/database.ts';
import { recipientRows } from './recipients.ts';

const database = useTestDatabase();

/** 23:30 on 27 November in UTC, and 28 November in Shanghai. */
const now = new Date('2026-11-27T23:30:00Z');
const ZONE = 'Asia/Shanghai';

type Facts = { readonly attributes?: object; readonly locale?: string | null };

async function seed(devices: Readonly<Record<string, Facts>>): Promise<string> {
  const { db } = database;
  const { appId } = await seedPerson(db, now);
  await db.updateTable('apps').set({ time_zone: ZONE }).where('id', '=', appId).execute();
  const values = Object.entries(devices).map(([id, { attributes = {}, locale = null }]) => ({
    app_id: appId,
    device_id: id,
    platform: 0,
    channel: 'apns',
    token_state: 'none' as const,
    tags: [],
    attributes: JSON.stringify(attributes),
    locale,
    created_at: now,
    updated_at: now,
  }));
  await db.insertInto('devices').values(values).execute();
  return appId;
}

async function chosen(appId: string, rule: AudienceRule, more: object = {}): Promise<string[]> {
  expect(faultsOfRule(rule)).toEqual([]);
  const rows = await recipientRows(database.db, {
    appId,
    now,
    platforms: ['ios', 'android', 'web'],
    exclusions: [],
    devices: 'all',
    from: { rule },
    ...more,
  });
  const answer = await sql<{ id: string }>`select id from (${rows}) judged order by id`.execute(database.db);
  return answer.rows.map(({ id }) => id);
}

const inDays = (days: number | { from: number; to: number }): AudienceRule => ({
  field: 'attribute',
  name: 'ends',
  op: 'in_days',
  days,
});
const anniversary = (days: number | { from: number; to: number }): AudienceRule => ({
  field: 'attribute',
  name: 'born',
  op: 'anniversary',
  days,
});

const ODD = [
  '',
  'soon',
  '2026-13-01',
  '2026-12-01x',
  '2026-12-0',
  '2026-12-01T99:99:99Z',
  20_261_201,
  true,
  null,
];
const oddDevices = Object.fromEntries(
  ODD.map((ends, no) => [`odd${no}`, { attributes: { ends, born: ends } }]),
);

test('dates in days are those of the app on the day of the push', async () => {
  const appId = await seed({
    ...oddDevices,
    none: {},
    date: { attributes: { ends: '2026-12-01' } },
    local: { attributes: { ends: '2026-12-01T23:59' } },
    // Already 1 December in Shanghai, and still that day.
    early: { attributes: { ends: '2026-11-30T16:00:00Z' } },
    late: { attributes: { ends: '2026-12-01T15:59:59.999Z' } },
    after: { attributes: { ends: '2026-12-01T16:00:00Z' } },
    other: { attributes: { ends: '2026-12-01T00:00:00+14:00' } },
    past: { attributes: { ends: '2026-11-27' } },
  });
  expect(await chosen(appId, inDays(3))).toEqual(['date', 'early', 'late', 'local']);
  expect(await chosen(appId, inDays(4))).toEqual(['after']);
  expect(await chosen(appId, inDays(-1))).toEqual(['past']);
  expect(await chosen(appId, inDays({ from: 0, to: 3660 }))).toEqual([
    'after',
    'date',
    'early',
    'late',
    'local',
    'other',
  ]);
  const rest = await chosen(appId, { not: inDays(3) });
  expect(rest).toHaveLength(ODD.length + 4);
});

test('a push at local time counts from its local date, and the parts of a push from one day', async () => {
  const appId = await seed({
    a: { attributes: { ends: '2026-11-28' } },
    b: { attributes: { ends: '2026-11-29' } },
  });
  expect(await chosen(appId, inDays(0))).toEqual(['a']);
  expect(await chosen(appId, inDays(0), { today: '2026-11-29' })).toEqual(['b']);
  const dayAfter = new Date(now.getTime() + 86_400_000);
  expect(await chosen(appId, inDays(0), { now: dayAfter })).toEqual(['b']);
  expect(await chosen(appId, inDays(0), { now: dayAfter, plannedAt: now })).toEqual(['a']);
});

test('an anniversary is met by its day of the year, as it is written', async () => {
  const appId = await seed({
    ...oddDevices,
    date: { attributes: { born: '1990-11-28' } },
    time: { attributes: { born: '1990-11-28T00:00:00Z' } },
    yearless: { attributes: { born: '--11-28' } },
    short: { attributes: { born: '11-28' } },
    leap: { attributes: { born: '2000-02-29' } },
    next: { attributes: { born: '1990-11-29' } },
  });
  expect(await chosen(appId, anniversary(0))).toEqual(['date', 'short', 'time', 'yearless']);
  expect(await chosen(appId, anniversary({ from: 1, to: 30 }))).toEqual(['next']);
  expect(await chosen(appId, anniversary(0), { today: '2027-02-28' })).toEqual(['leap']);
  expect(await chosen(appId, anniversary(0), { today: '2028-02-28' })).toEqual([]);
  expect(await chosen(appId, anniversary(0), { today: '2028-02-29' })).toEqual(['leap']);
});

test('a rule about locales is met by old codes, scripts and parents', async () => {
  const appId = await seed(
    Object.fromEntries(
      ['id-ID', 'fil-PH', 'nb-NO', 'nn-NO', 'zh-Hant', 'zh-HK', 'zh-CN', 'es-MX', 'es-ES', 'en'].map(
        (locale) => [locale, { locale }],
      ),
    ),
  );
  const matching = (...value: string[]) => chosen(appId, { field: 'locale', op: 'matches', value });
  expect(await matching('in')).toEqual(['id-ID']);
  expect(await matching('tl', 'ID')).toEqual(['fil-PH', 'id-ID']);
  expect(await matching('no')).toEqual(['nb-NO', 'nn-NO']);
  expect(await matching('zh_TW_#Hant')).toEqual(['zh-Hant']);
  expect(await matching('zh-Hant')).toEqual(['zh-HK', 'zh-Hant']);
  expect(await matching('es-419')).toEqual(['es-MX']);
  expect(await matching('fr')).toEqual([]);
});
