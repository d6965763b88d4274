import type { AudienceRule, Condition } from '../../domain/audiences/audience-rule.ts';

/** A rule, and its best SQL by hand: conditions on `devices d`. */
export interface Baseline {
  readonly name: string;
  readonly rule: AudienceRule;
  /** `$1` is the app, `$2` the time. Event names are replaced by their numbers. */
  readonly sql: string;
  /** Another statement that may be faster. */
  readonly other?: Written;
}

export interface Written {
  readonly sql: string;
  /** The CTEs before the statement. */
  readonly before: string;
}

const tag = (...value: string[]): Condition => ({ field: 'tags', op: 'any', value });
const plan = (value: string): Condition => ({ field: 'attribute', name: 'plan', op: 'is', value });
const active = (days: number): Condition => ({ field: 'lastActive', op: 'within', days });
const done = (name: string, days: number): Condition => ({ field: 'event', op: 'done', name, days });
const notDone = (name: string, days: number): Condition => ({ field: 'event', op: 'not_done', name, days });

const since = (days: number) => `$2::timestamptz - interval '${days} days'`;
const within = (name: string, days: number) =>
  `e.name_no = {${name}} and e.at >= ${since(days)} and e.at <= $2::timestamptz`;
const did = (name: string, days: number) =>
  `exists (select from events e where ${within(name, days)} and e.user_id = d.user_id)`;

export const RULES: readonly Baseline[] = [
  { name: 'a tag', rule: tag('vip'), sql: `d.tags && '{vip}'` },
  {
    name: 'attribute and platform',
    rule: { all: [plan('pro'), { field: 'platform', op: 'in', value: ['ios'] }] },
    sql: `d.attributes @> '{"plan":"pro"}' and d.platform = 0`,
  },
  {
    name: 'active, not a tag',
    rule: { all: [active(30), { not: tag('churned') }] },
    sql: `d.last_active_at >= ${since(30)} and not d.tags && '{churned}'`,
  },
  { name: 'did within 30 days', rule: done('bought', 30), sql: did('bought', 30) },
  {
    name: 'did one, not the other',
    rule: { all: [done('viewed', 7), notDone('bought', 30)] },
    sql: `${did('viewed', 7)} and not ${did('bought', 30)}`,
  },
  {
    name: 'twice, with a property',
    rule: {
      field: 'event',
      op: 'done',
      name: 'bought',
      days: 90,
      times: 2,
      where: [{ property: 'price', op: 'gt', value: 50 }],
    },
    sql: `d.user_id in (select e.user_id from events e where ${within('bought', 90)}
      and (e.properties ->> 'price')::numeric > 50 group by 1 having count(*) >= 2)`,
    other: {
      before: `often as materialized (select e.user_id from events e where ${within('bought', 90)}
        and (e.properties ->> 'price')::float8 > 50 group by 1 having count(*) >= 2)`,
      sql: 'd.user_id in (select user_id from often)',
    },
  },
  {
    name: 'version or locale',
    rule: {
      any: [
        { field: 'appVersion', op: 'lt', value: '2.10.0' },
        { field: 'locale', op: 'matches', value: ['de'] },
      ],
    },
    sql: `(string_to_array(d.app_version, '.')::int[] < '{2,10,0}' or d.locale like 'de%')`,
  },
  {
    name: 'tags, locale and a number',
    rule: {
      all: [
        tag('news', 'sale'),
        { not: { field: 'locale', op: 'matches', value: ['zh'] } },
        { field: 'attribute', name: 'age', op: 'gte', value: 40 },
      ],
    },
    sql: `d.tags && '{news,sale}' and d.locale not like 'zh%' and (d.attributes ->> 'age')::int >= 40`,
  },
  {
    name: 'did, as user or device, or a tag',
    rule: { any: [done('visited', 14), tag('vip')] },
    sql: `(d.user_id in (select e.user_id from events e where ${within('visited', 14)} and e.user_id is not null)
      or d.no in (select e.device_no from events e where ${within('visited', 14)} and e.device_no is not null)
      or d.tags && '{vip}')`,
  },
  {
    name: 'broad, with not done',
    rule: {
      all: [
        { field: 'platform', op: 'in', value: ['android'] },
        active(90),
        notDone('carted', 3),
        { any: [plan('free'), tag('news')] },
      ],
    },
    sql: `d.platform = 1 and d.last_active_at >= ${since(90)} and not ${did('carted', 3)}
      and (d.attributes @> '{"plan":"free"}' or d.tags && '{news}')`,
  },
];
