import { type RawBuilder, sql } from 'kysely';
import { ruleOf } from '../../domain/audiences/audience-definition.ts';
import type { AudienceRule, Condition } from '../../domain/audiences/audience-rule.ts';
import { DAY_MS } from '../../domain/duration.ts';
import { PLATFORM_CODE } from '../../domain/pushes/delivery.ts';
import { localesThatMeet, type RuleContext, RuleError, sourceKey, versionsThatMeet } from './rule-context.ts';
import { compareDate } from './rule-dates.ts';
import { type Joins, joinEvents, joinMembers, joinPushes } from './rule-joins.ts';
import { compareMember } from './rule-values.ts';

type Sql = RawBuilder<boolean>;

export interface CompiledRules {
  /** Whether the rules read only the device's own row. */
  readonly areOfDevice: boolean;
  readonly joins: RawBuilder<unknown>;
  /** The WHERE condition of the rule that decides which devices are planned. */
  readonly planned: Sql;
  /** Whether any of the exclusions holds. */
  readonly excluded: Sql;
}

/**
 * Compiles rules to conditions on `devices d`, which are true or false and never null. Facts from other
 * tables come by a left join with at most one row per device, or by a semi or anti join where the condition
 * alone decides the rule.
 */
export function compileRules(
  { planned, exclusions }: { planned: AudienceRule | undefined; exclusions: readonly AudienceRule[] },
  context: RuleContext,
): CompiledRules {
  const joins: Joins = [];
  const condition = planned === undefined ? sql<boolean>`true` : compile(planned, context, joins, true);
  const excluded = exclusions.map((rule) => compile(rule, context, joins, false));
  return {
    areOfDevice: joins.length === 0,
    joins: sql.join(joins, sql` `),
    planned: condition,
    excluded: excluded.length === 0 ? sql`false` : sql`(${sql.join(excluded, sql` or `)})`,
  };
}

/** `decides`: no device is planned unless this condition, or its negation, holds. */
function compile(rule: AudienceRule, context: RuleContext, joins: Joins, decides: boolean): Sql {
  if ('all' in rule) {
    return sql`(${sql.join(
      rule.all.map((one) => compile(one, context, joins, decides)),
      sql` and `,
    )})`;
  }
  if ('any' in rule) {
    return sql`(${sql.join(
      rule.any.map((one) => compile(one, context, joins, false)),
      sql` or `,
    )})`;
  }
  if ('not' in rule) {
    const isCondition = 'field' in rule.not;
    return sql`(not ${compile(rule.not, context, joins, decides && isCondition)})`;
  }
  return sql`(${compileCondition(rule, context, joins, decides)})`;
}

function compileCondition(rule: Condition, context: RuleContext, joins: Joins, decides: boolean): Sql {
  switch (rule.field) {
    case 'attribute': {
      if (rule.op === 'in_days' || rule.op === 'anniversary') return compareDate(rule, context.today);
      const { field: _, name, ...comparison } = rule;
      return compareMember(sql.ref('d.attributes'), name, comparison);
    }
    case 'tags':
      return rule.op === 'any' ? sql`d.tags && ${rule.value}::text[]` : sql`d.tags @> ${rule.value}::text[]`;
    case 'platform':
      return sql`d.platform = any(${rule.value.map((one) => PLATFORM_CODE[one])}::smallint[])`;
    case 'channel':
      return sql`d.channel = any(${rule.value}::text[])`;
    case 'appVersion': {
      const versions = versionsThatMeet(context, rule.op, rule.value);
      return sql`(d.app_version is not null and d.app_version = any(${versions}::text[]))`;
    }
    case 'locale':
      return sql`(d.locale is not null and d.locale = any(${localesThatMeet(context, rule.value)}::text[]))`;
    case 'lastActive': {
      const since = new Date(context.now.getTime() - rule.days * DAY_MS);
      const order = rule.op === 'within' ? sql`>=` : sql`<`;
      return sql`(d.last_active_at is not null and d.last_active_at ${order} ${since}::timestamptz)`;
    }
    case 'event': {
      const done = joinEvents(rule, context, joins, decides);
      return rule.op === 'done' ? done : sql`not (${done})`;
    }
    case 'push':
      return joinPushes(rule, context, joins);
    case 'audience':
      return compileAudience(rule, context, joins, decides);
  }
}

function compileAudience(
  { id, version }: Extract<Condition, { field: 'audience' }>,
  context: RuleContext,
  joins: Joins,
  decides: boolean,
): Sql {
  const source = version === undefined ? undefined : context.sources.get(sourceKey(id, version));
  if (source === undefined) throw new RuleError(`the audience ${id} does not exist`);
  if (source.definition !== undefined) {
    return compile(
      ruleOf(source.definition),
      context,
      joins,
      decides && 'field' in ruleOf(source.definition),
    );
  }
  return source.kind === 'all' ? sql`true` : joinMembers(source, joins);
}
