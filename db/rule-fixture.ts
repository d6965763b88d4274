import fc from 'fast-check';
import type { AudienceRule, Condition, PropertyCondition } from '../domain/audience-rule.ts';

export interface Device {
  readonly id: string;
  readonly platform: 'ios' | 'android';
  readonly user: string | null;
  readonly tags: readonly string[];
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly version: string | null;
  readonly locale: string | null;
  readonly active: number | null;
}
export interface Happened {
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
export const devices = fc
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
export const happened = fc.array(
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
export const { rule } = fc.letrec<{ rule: AudienceRule }>((tie) => ({
  rule: fc.oneof(
    { depthSize: 'small', maxDepth: 4, withCrossShrink: true },
    condition,
    fc.record({ all: fc.array(tie('rule'), { minLength: 1, maxLength: 3 }) }),
    fc.record({ any: fc.array(tie('rule'), { minLength: 1, maxLength: 3 }) }),
    fc.record({ not: tie('rule') }),
  ),
}));
