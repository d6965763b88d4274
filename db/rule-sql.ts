import { type RawBuilder, sql } from 'kysely';
import { ruleOf } from '../domain/audience-definition.ts';
import type { AudienceRule, Condition } from '../domain/audience-rule.ts';
import { PLATFORM_CODE } from '../domain/delivery.ts';
import { type RuleContext, RuleError, sourceKey, versionsThatMeet } from './rule-context.ts';
import { type Joins, joinEvents, joinMembers, joinPushes } from './rule-joins.ts';
import { compareMember } from './rule-values.ts';

type Sql = RawBuilder<boolean>;

/** `condition` is about `devices d`, and needs the joins; it is true or false, never null. */
export interface CompiledRule {
  readonly joins: RawBuilder<unknown>;
  readonly condition: Sql;
}

/**
 * A rule as conditions on `devices d`. What lies in other tables is a left join with at most one row for each
 * device: the planner makes semi and anti joins of those that must, or must not, be there.
 */
export function compileRules(
  rules: readonly AudienceRule[],
  context: RuleContext,
): { readonly joins: RawBuilder<unknown>; readonly conditions: readonly Sql[] } {
  const joins: Joins = [];
  const conditions = rules.map((rule) => compile(rule, context, joins));
  return { joins: sql.join(joins, sql` `), conditions };
}

function compile(rule: AudienceRule, context: RuleContext, joins: Joins): Sql {
  const all = (rules: readonly AudienceRule[]) => rules.map((one) => compile(one, context, joins));
  if ('all' in rule) return sql`(${sql.join(all(rule.all), sql` and `)})`;
  if ('any' in rule) return sql`(${sql.join(all(rule.any), sql` or `)})`;
  if ('not' in rule) return sql`(not ${compile(rule.not, context, joins)})`;
  return sql`(${compileCondition(rule, context, joins)})`;
}

function compileCondition(rule: Condition, context: RuleContext, joins: Joins): Sql {
  switch (rule.field) {
    case 'attribute': {
      const { field: _, name, ...comparison } = rule;
      return compareMember(sql.ref('d.attributes'), name, comparison);
    }
    case 'tags':
      return rule.op === 'any' ? sql`d.tags && ${rule.value}::text[]` : sql`d.tags @> ${rule.value}::text[]`;
    case 'platform':
      return sql`d.platform = any(${rule.value.map((one) => PLATFORM_CODE[one])}::smallint[])`;
    case 'channel':
      return sql`d.channel = any(${rule.value}::text[])`;
    case 'deviceId':
      return sql`d.device_id = any(${rule.value}::text[])`;
    case 'userId':
      return sql`(d.user_id is not null and d.user_id = any(${rule.value}::text[]))`;
    case 'appVersion': {
      const versions = versionsThatMeet(context, rule.op, rule.value);
      return sql`(d.app_version is not null and d.app_version = any(${versions}::text[]))`;
    }
    case 'locale':
      return compileLocale(rule.value);
    case 'lastActive': {
      const since = new Date(context.now.getTime() - rule.days * DAY_MS);
      const order = rule.op === 'within' ? sql`>=` : sql`<`;
      return sql`(d.last_active_at is not null and d.last_active_at ${order} ${since}::timestamptz)`;
    }
    case 'event': {
      const done = joinEvents(rule, context, joins);
      return rule.op === 'done' ? done : sql`not (${done})`;
    }
    case 'push':
      return joinPushes(rule, context, joins);
    case 'audience':
      return compileAudience(rule, context, joins);
  }
}

const DAY_MS = 86_400_000;

/** A language, or a language with its region, meets all that begin with it. */
function compileLocale(values: readonly string[]): Sql {
  const starts = values.map((value) => value.toLowerCase().replaceAll('_', '-'));
  const locale = sql`lower(replace(d.locale, '_', '-')) || '-'`;
  const met = starts.map((start) => sql`starts_with(${locale}, ${`${start}-`})`);
  return sql`(d.locale is not null and (${sql.join(met, sql` or `)}))`;
}

function compileAudience(
  { id, version }: Extract<Condition, { field: 'audience' }>,
  context: RuleContext,
  joins: Joins,
): Sql {
  const source = version === undefined ? undefined : context.sources.get(sourceKey(id, version));
  if (source === undefined) throw new RuleError(`there is no such audience: ${id}`);
  if (source.definition !== undefined) return compile(ruleOf(source.definition), context, joins);
  return source.kind === 'all' ? sql`true` : joinMembers(source, joins);
}
