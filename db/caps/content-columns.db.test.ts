import fc from 'fast-check';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { Content } from '../../domain/content/content.ts';
import { localesOf, matchLocale } from '../../domain/content/content-locale.ts';
import { variantOf } from '../../domain/content/content-variant.ts';
import { canonicalLocale } from '../../domain/locale.ts';
import { PLATFORMS } from '../../domain/platform.ts';
import { PLATFORM_CODE } from '../../domain/pushes/delivery.ts';
import {
  deliveriesOfPush,
  preparePush,
  seedDevices,
  soundFigures,
} from '../../test/fixtures/push-fixture.ts';
import { useTestDatabase } from '../../test/setup/database.ts';
import { variantSql } from './content-columns.ts';

const database = useTestDatabase();
const now = new Date('2026-11-22T10:10:00Z');

test('SQL chooses the variant that the rule in domain/ says', async () => {
  const tags = [
    ...['de', 'de-AT', 'zh-Hant', 'zh', 'zh-TW', 'zh-HK', 'pt', 'pt-PT', 'sr', 'sr-Latn', 'en', 'en-001'],
    ...['es', 'es-419', 'no', 'nb', 'yi', 'id', 'ca-valencia', 'pa-Arab', 'fr'],
  ];
  const language = fc.constantFrom(...'de zh pt sr en es no nb nn ji in ca pa fr ht yue ja'.split(' '));
  const script = fc.constantFrom('', '', '', 'Hant', 'hans', 'Latn', 'Cyrl', 'Arab');
  const region = fc.constantFrom(
    ...[
      '',
      'AT',
      'TW',
      'HK',
      'MO',
      'SG',
      'AU',
      'BR',
      'AO',
      'PT',
      'ME',
      'RS',
      'MX',
      '419',
      'PK',
      'IN',
      'NO',
      'VA',
    ],
  );
  const more = fc.constantFrom('', '', '', 'valencia', '1996', 'posix');
  const device = fc
    .tuple(language, script, region, more, fc.constantFrom('-', '_'))
    .map(([one, two, three, four, join]) => [one, two, three, four].filter(Boolean).join(join))
    .map((locale) => canonicalLocale(locale) ?? null);
  await fc.assert(
    fc.asyncProperty(
      fc.subarray(tags),
      fc.uniqueArray(device, { minLength: 1, maxLength: 60 }),
      fc.constantFrom(...PLATFORMS),
      async (chosen, locales, platform) => {
        const content = Content.parse({
          title: 't',
          body: 'b',
          locales: Object.fromEntries(chosen.map((tag) => [tag, {}])),
        });
        const { rows } = await sql<{ variant: number }>`
          select ${variantSql(content)} as variant
          from unnest(${locales}::text[]) with ordinality as given (locale, place),
            lateral (select given.locale, ${PLATFORM_CODE[platform]}::int as platform) d
          order by place`.execute(database.db);
        const expected = locales.map((locale) =>
          variantOf(content, platform, matchLocale(localesOf(content), locale)),
        );
        expect(rows.map(({ variant }) => variant)).toEqual(expected);
      },
    ),
    { numRuns: 60, examples: [[['nb'], ['nn', 'de'], 'ios']] },
  );
});

test('devices without a needed attribute are suppressed; the others keep what fills the content in', async () => {
  const app = await seedDevices(
    database.db,
    [
      { id: 'all', locale: 'de-CH', attributes: { 'first name': 'Ann', points: 3, other: 'x' } },
      { id: 'blank', attributes: { 'first name': '  ' } },
      {
        id: 'default',
        platform: 'android',
        channel: 'fcm',
        attributes: { 'first name': 'Bo', points: null },
      },
      { id: 'missing', attributes: {} },
      { id: 'null', attributes: { 'first name': null } },
    ],
    now,
  );
  const content = {
    title: 'Hi {{ name }}',
    body: '{{ points }}',
    locales: { de: { body: 'Punkte: {{ points }}' } },
    variables: { name: { attribute: 'first name' }, points: { default: 0 } },
  };
  const push = await preparePush(database.db, app, { content }, now);
  expect(push.prepared).toEqual({ planned: 5, sendable: 2 });
  expect(await soundFigures(database.db, push, now)).toMatchObject({
    planned: 5,
    matched: 5,
    suppressed: 3,
    pending: 2,
    suppressedReasons: { missing_variable: 3 },
  });
  const rows = await deliveriesOfPush(database.db, push);
  expect(rows.filter(({ status }) => status === 0)).toMatchObject([
    { id: 'all', variant: 3, variables: { name: 'Ann', points: 3 } },
    { id: 'default', variant: 1, variables: { name: 'Bo' } },
  ]);
  expect(
    rows.filter(({ reason }) => reason === 'missing_variable').map(({ variables }) => variables),
  ).toEqual([...[null, null, null]]);
});

test('a device is sent to without a value that its own texts do without', async () => {
  const app = await seedDevices(
    database.db,
    [
      { id: 'german', locale: 'de' },
      { id: 'other', locale: 'fr' },
      { id: 'android', platform: 'android', channel: 'fcm', locale: 'fr' },
    ],
    now,
  );
  const content = {
    title: '{% if tier %}{{ tier }}{% else %}Hi{% endif %} {{ name }}',
    body: 'b',
    locales: { de: { title: 'Hallo {{ name | default: "du" }}' } },
    platforms: { android: { title: 'Hi' } },
    variables: { name: {}, tier: {} },
  };
  const push = await preparePush(database.db, app, { content }, now);
  expect(push.prepared).toEqual({ planned: 3, sendable: 2 });
  const rows = await deliveriesOfPush(database.db, push);
  expect(rows.filter(({ reason }) => reason === 'missing_variable').map(({ id }) => id)).toEqual(['other']);
});

test('a push that says the same to everybody stores nothing of it', async () => {
  const app = await seedDevices(database.db, [{ id: 'a', locale: 'de', attributes: { name: 'Ann' } }], now);
  const push = await preparePush(database.db, app, {}, now);
  expect(await deliveriesOfPush(database.db, push)).toMatchObject([{ variant: null, variables: null }]);
});
