import fc from 'fast-check';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { compareVersions } from '../domain/app-version.ts';
import type { AudienceRule, Condition, PropertyCondition } from '../domain/audience-rule.ts';
import { faultsOfRule } from '../domain/audience-rule-check.ts';
import { useTestDatabase } from '../test/setup/database.ts';
import { createEventNames } from './event-names.ts';
import { recordEvents } from './events.ts';
import { seedPerson } from './ledger-fixture.ts';
import { judgePlanned } from './planned.ts';

const database = useTestDatabase();
const now = new Date('2026-11-22T10:10:00Z');
const DAY = 86_400_000;
const ago = (days: number) => new Date(now.getTime() - days * DAY);

interface Device {
  readonly id: string;
  readonly platform: 'ios' | 'android';
  readonly user: string | null;
  readonly tags: readonly string[];
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly version: string | null;
  readonly locale: string | null;
  readonly active: number | null;
}
interface Happened {
  readonly of: { readonly userId: string } | { readonly deviceId: string };
  readonly name: string;
  readonly days: number;
  readonly properties: Readonly<Record<string, unknown>>;
}

const VALUES = [
  'a',
  '"; \\u0061 %_\'',
  'ab',
  'B',
  'ä',
  '2026-01-01',
  '7',
  0,
  7,
  -1.5,
  1e10,
  true,
  false,
  null,
] as const;
const VERSIONS = ['1.0', '1.0.0-beta', '1.10', '1.9.1', '2', 'dev'] as const;
const LOCALES = ['de', 'de-DE', 'de_AT', 'DE', 'den', 'zh-Hant-TW'] as const;
const TAGS = ['x', 'y', 'z'] as const;
const NAMES = ['bought', 'viewed', 'never'] as const;
const USERS = ['u1', 'u2', 'u3', 'u4'] as const;
const IDS = Array.from({ length: 10 }, (_, n) => `d${n}`);
const SCALARS = VALUES.filter((value) => value !== null);
const TEXTS = SCALARS.filter((value) => typeof value === 'string');

/** As hostile as a name may be. */
const Q = 'q"\\.$[0] \u0001é';
const properties = fc.dictionary(fc.constantFrom('p', Q), fc.constantFrom(...VALUES), { maxKeys: 2 });
const devices = fc
  .tuple(
    ...IDS.map((id) =>
      fc.record<Device>({
        id: fc.constant(id),
        platform: fc.constantFrom('ios', 'android'),
        user: fc.constantFrom(...USERS, null),
        tags: fc.subarray([...TAGS]),
        attributes: properties,
        version: fc.constantFrom(...VERSIONS, null),
        locale: fc.constantFrom(...LOCALES, null),
        active: fc.constantFrom(null, 0, 1, 5, 40),
      }),
    ),
  )
  .map((all) => all as Device[]);
const happened = fc.array(
  fc.record<Happened>({
    of: fc.oneof(
      fc.constantFrom(...USERS).map((userId) => ({ userId })),
      fc.constantFrom(...IDS).map((deviceId) => ({ deviceId })),
    ),
    name: fc.constantFrom('bought', 'viewed'),
    days: fc.constantFrom(0, 1, 6, 29, 100),
    properties,
  }),
  { maxLength: 15 },
);

const comparison = fc.oneof(
  fc.record({ op: fc.constant('exists' as const) }),
  fc.record({ op: fc.constant('is' as const), value: fc.constantFrom(...SCALARS) }),
  fc.record({ op: fc.constant('in' as const), value: fc.subarray([...SCALARS], { minLength: 1 }) }),
  fc.record({
    op: fc.constantFrom('contains' as const, 'starts_with' as const),
    value: fc.constantFrom(...TEXTS),
  }),
  fc.record({
    op: fc.constantFrom('lt' as const, 'lte' as const, 'gt' as const, 'gte' as const),
    value: fc.constantFrom(...SCALARS.filter((value) => typeof value !== 'boolean')),
  }),
);
const days = fc.constantFrom(0.5, 3, 30, 365);
const condition: fc.Arbitrary<Condition> = fc.oneof(
  fc
    .tuple(fc.constantFrom('p', Q, 'r'), comparison)
    .map(([name, rest]) => ({ field: 'attribute', name, ...rest }) as Condition),
  fc.record({
    field: fc.constant('tags' as const),
    op: fc.constantFrom('any' as const, 'all' as const),
    value: fc.subarray([...TAGS, 'w'], { minLength: 1 }),
  }),
  fc.record({
    field: fc.constant('platform' as const),
    op: fc.constant('in' as const),
    value: fc.subarray(['ios' as const, 'web' as const], { minLength: 1 }),
  }),
  fc.record({
    field: fc.constant('channel' as const),
    op: fc.constant('in' as const),
    value: fc.constant<'fcm'[]>(['fcm']),
  }),
  fc.record({
    field: fc.constant('appVersion' as const),
    op: fc.constantFrom('is' as const, 'lt' as const, 'lte' as const, 'gt' as const, 'gte' as const),
    value: fc.constantFrom(...VERSIONS.filter((one) => one !== 'dev')),
  }),
  fc.record({
    field: fc.constant('locale' as const),
    op: fc.constant('matches' as const),
    value: fc.subarray(['de', 'de-de', 'ZH_hant', 'fr'], { minLength: 1 }),
  }),
  fc.record({
    field: fc.constant('lastActive' as const),
    op: fc.constantFrom('within' as const, 'before' as const),
    days,
  }),
  fc
    .record(
      {
        field: fc.constant('event' as const),
        op: fc.constantFrom('done' as const, 'not_done' as const),
        name: fc.constantFrom(...NAMES),
        days,
        times: fc.integer({ min: 1, max: 3 }),
        where: fc.array(
          fc
            .tuple(fc.constantFrom('p', Q), comparison)
            .map(([property, rest]) => ({ property, ...rest }) as PropertyCondition),
          { minLength: 1, maxLength: 2 },
        ),
      },
      { requiredKeys: ['field', 'op', 'name', 'days'] },
    )
    .map((one) => one as Condition),
);
const { rule } = fc.letrec<{ rule: AudienceRule }>((tie) => ({
  rule: fc.oneof(
    { depthSize: 'small', maxDepth: 4, withCrossShrink: true },
    condition,
    fc.record({ all: fc.array(tie('rule'), { minLength: 1, maxLength: 3 }) }),
    fc.record({ any: fc.array(tie('rule'), { minLength: 1, maxLength: 3 }) }),
    fc.record({ not: tie('rule') }),
  ),
}));

/** What the words mean, said a second time: without SQL, and without the code that it judges. */
function meets(rule: AudienceRule, device: Device, events: readonly Happened[]): boolean {
  if ('all' in rule) return rule.all.every((one) => meets(one, device, events));
  if ('any' in rule) return rule.any.some((one) => meets(one, device, events));
  if ('not' in rule) return !meets(rule.not, device, events);
  switch (rule.field) {
    case 'attribute':
      return compares(device.attributes[rule.name], rule);
    case 'tags':
      return rule.op === 'any'
        ? rule.value.some((tag) => device.tags.includes(tag))
        : rule.value.every((tag) => device.tags.includes(tag));
    case 'platform':
      return rule.value.includes(device.platform);
    case 'channel':
      return rule.value.includes(device.platform === 'ios' ? 'apns' : 'fcm');
    case 'appVersion':
      return device.version !== null && orders(compareVersions(device.version, rule.value), rule.op);
    case 'locale': {
      const parts = (text: string) => text.toLowerCase().split(/[-_]/);
      const own = device.locale === null ? [] : parts(device.locale);
      return rule.value.some((value) => parts(value).every((part, place) => own[place] === part));
    }
    case 'lastActive':
      if (device.active === null) return false;
      return rule.op === 'within' ? device.active <= rule.days : device.active > rule.days;
    case 'event': {
      const own = events.filter(({ of }) =>
        'userId' in of ? of.userId === device.user : of.deviceId === device.id,
      );
      const counted = own.filter(
        (one) =>
          one.name === rule.name &&
          one.days <= rule.days &&
          (rule.where ?? []).every((where) => compares(one.properties[where.property], where)),
      );
      return counted.length >= (rule.times ?? 1) === (rule.op === 'done');
    }
    default:
      throw new Error('not tried here');
  }
}

function compares(member: unknown, { op, ...rest }: { op: string; value?: unknown }): boolean {
  const { value } = rest;
  if (op === 'exists') return member !== undefined && member !== null;
  if (op === 'is') return member === value;
  if (op === 'in') return (value as unknown[]).includes(member);
  if (op === 'contains') return typeof member === 'string' && member.includes(value as string);
  if (op === 'starts_with') return typeof member === 'string' && member.startsWith(value as string);
  if (typeof member === 'number' && typeof value === 'number') return orders(member - value, op);
  if (typeof member !== 'string' || typeof value !== 'string') return false;
  return orders(Buffer.compare(Buffer.from(member), Buffer.from(value)), op);
}

function orders(order: number, op: string): boolean {
  return { is: order === 0, lt: order < 0, lte: order <= 0, gt: order > 0, gte: order >= 0 }[op] ?? false;
}

async function seed(all: readonly Device[], events: readonly Happened[]): Promise<string> {
  const { db } = database;
  const { appId } = await seedPerson(db, now);
  const values = all.map((device) => ({
    ...{
      app_id: appId,
      device_id: device.id,
      platform: device.platform === 'ios' ? 0 : 1,
      user_id: device.user,
    },
    ...{
      channel: device.platform === 'ios' ? 'apns' : 'fcm',
      token_state: 'none' as const,
      tags: [...device.tags],
    },
    ...{ attributes: JSON.stringify(device.attributes), app_version: device.version, locale: device.locale },
    ...{
      last_active_at: device.active === null ? null : ago(device.active),
      created_at: now,
      updated_at: now,
    },
  }));
  await db.insertInto('devices').values(values).execute();
  const numbers = await createEventNames(db).numbersOf(appId, ['bought', 'viewed'], now);
  await recordEvents(db, {
    ...{ appId, now },
    events: events.map(({ of, name, days: past, properties: all }, index) => ({
      ...{ index, id: `e${index}`, nameNo: numbers.get(name) ?? 0, at: ago(past), properties: all, of },
    })),
  });
  return appId;
}

async function chosen(appId: string, one: AudienceRule): Promise<string[]> {
  const planning = {
    appId,
    now,
    platforms: ['ios', 'android', 'web'],
    exclusions: [],
    devices: 'all',
  } as const;
  const rows = await judgePlanned(database.db, { ...planning, from: { rule: one } });
  const answer = await sql<{ id: string }>`select id from (${rows}) judged order by id`.execute(database.db);
  return answer.rows.map(({ id }) => id);
}

test('a rule chooses the devices that its words say', async () => {
  await fc.assert(
    fc.asyncProperty(
      devices,
      happened,
      fc.array(rule, { minLength: 8, maxLength: 12 }),
      async (all, drawn, rules) => {
        const users = new Map(all.map((one) => [one.id, one.user]));
        const events = drawn.map((one): Happened => {
          const user = 'deviceId' in one.of ? users.get(one.of.deviceId) : undefined;
          return typeof user === 'string' ? { ...one, of: { userId: user } } : one;
        });
        const appId = await seed(all, drawn);
        for (const one of rules) {
          expect(faultsOfRule(one)).toEqual([]);
          const expected = all.filter((device) => meets(one, device, events)).map(({ id }) => id);
          expect(await chosen(appId, one), JSON.stringify(one)).toEqual(expected);
        }
      },
    ),
    { numRuns: 60 },
  );
});
