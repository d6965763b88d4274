import { type RawBuilder, sql } from 'kysely';
import type { Condition } from '../../domain/audiences/audience-rule.ts';
import { DAY_MS } from '../../domain/duration.ts';
import { STATUS_CODE } from '../../domain/pushes/delivery.ts';
import { sendResultSql } from '../ledger/send-result.ts';
import type { AudienceSource } from './audience-source.ts';
import { type RuleContext, RuleError } from './rule-context.ts';
import { compareMember } from './rule-values.ts';

type Sql = RawBuilder<boolean>;
export type Joins = RawBuilder<unknown>[];

function alias(joins: Joins): string {
  return `j${joins.length + 1}`;
}

/** Whether the device's user, or the device before it had a user, has enough events of that name. */
export function joinEvents(
  rule: Extract<Condition, { field: 'event' }>,
  { names, now, isParallel }: RuleContext,
  joins: Joins,
  decides: boolean,
): Sql {
  const name = names.get(rule.name);
  if (name === undefined) return sql`false`;
  const since = new Date(now.getTime() - rule.days * DAY_MS);
  const properties = (rule.where ?? []).map(({ property, ...comparison }) =>
    compareMember(sql.ref('e.properties'), property, comparison),
  );
  const which = sql.join(
    [
      sql`e.name_no = ${name.no} and e.at >= ${since}::timestamptz and e.at <= ${now}::timestamptz`,
      ...properties,
    ],
    sql` and `,
  );
  const times = rule.times ?? 1;
  if (decides && times === 1 && !name.anonymous) {
    return sql`exists (select from events e where ${which} and e.user_id = d.user_id)`;
  }
  // Events of the device are counted and added only for names that devices without a user have reported.
  if (name.anonymous) {
    const user = joinOwners(countedBy(sql`user_id`, which), sql`d.user_id`, joins);
    const device = joinOwners(countedBy(sql`device_no`, which), sql`d.no`, joins);
    const [ofUser, ofDevice] = [user, device].map((name) => sql.ref(`${name}.times`));
    return sql`coalesce(${ofUser}, 0) + coalesce(${ofDevice}, 0) >= ${times}`;
  }
  const counted = sql`${countedBy(sql`user_id`, which)} having count(*) >= ${times}`;
  const owner = sql.ref(`${joinOwners(countedOnce(counted, isParallel), sql`d.user_id`, joins)}.owner`);
  // The coalesce prevents an inner join, in which the planner would look up the users in an index one by one.
  return isParallel ? sql`coalesce(${owner} is not null, false)` : sql`${owner} is not null`;
}

function countedBy(owner: RawBuilder<unknown>, which: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`
    select e.${owner} as owner, count(*) as times
    from events e
    where ${which} and e.${owner} is not null
    group by e.${owner}`;
}

/**
 * Counts owners once. Without the array each process of a parallel statement would count everything itself,
 * while an array is shared by all of them. An array is limited to 1 GB. A push, which has no limit,
 * therefore uses a materialised CTE.
 */
function countedOnce(counted: RawBuilder<unknown>, isParallel: boolean): RawBuilder<unknown> {
  return isParallel
    ? sql`select owner from unnest((select array_agg(owner) from (${counted}) counted)) as each (owner)`
    : sql`with counted as materialized (${counted}) select owner from counted`;
}

function joinOwners(owners: RawBuilder<unknown>, device: RawBuilder<unknown>, joins: Joins): string {
  const name = alias(joins);
  joins.push(sql`left join (${owners}) as ${sql.ref(name)} on ${sql.ref(`${name}.owner`)} = ${device}`);
  return name;
}

const { accepted, rejected, ambiguous } = STATUS_CODE;
const RESULTS = {
  sent: sql`dl.status in (${sql.join([accepted, rejected, ambiguous].map((status) => sql.lit(status)))})`,
  received: sql`${sendResultSql({
    status: sql.ref('dl.status'),
    platform: sql.ref('dl.platform'),
    receipted: sql`dl.delivered_at is not null`,
  })} = 'success'`,
  opened: sql`dl.open_at is not null`,
} as const;

const MAX_HOURS = 72;

export function joinPushes(
  rule: Extract<Condition, { field: 'push' }>,
  { pushes, now }: RuleContext,
  joins: Joins,
): Sql {
  const since = now.getTime() - (rule.hours ?? MAX_HOURS) * 3_600_000;
  const named = pushes.filter((push) => rule.pushId === undefined || push.id === rule.pushId);
  // The negation of a condition that is silently false would match everybody.
  if (rule.pushId !== undefined && named.length === 0) {
    throw new RuleError(`the deliveries of ${rule.pushId} are not available`);
  }
  const chosen = named.filter(
    (push) => (rule.taskId === undefined || push.taskId === rule.taskId) && push.startedAt.getTime() >= since,
  );
  if (chosen.length === 0) return sql`false`;
  const starts = [...new Set(chosen.map(({ partitionStart }) => partitionStart.toISOString()))];
  const name = alias(joins);
  joins.push(sql`left join (
    select distinct dl.device_no as owner
    from deliveries dl
    where dl.partition_start = any(${starts}::timestamptz[])
      and dl.push_no = any(${chosen.map(({ no }) => no)}::bigint[])
      and dl.device_no is not null
      and ${RESULTS[rule.op]}
  ) as ${sql.ref(name)} on ${sql.ref(`${name}.owner`)} = d.no`);
  return sql`${sql.ref(`${name}.owner`)} is not null`;
}

/** Membership in a named audience. An ID occurs once per version, so that each join finds at most one row. */
export function joinMembers({ id, version }: AudienceSource, joins: Joins): Sql {
  const [device, user] = (['device_id', 'user_id'] as const).map((column, kind) => {
    const name = alias(joins);
    joins.push(sql`left join audience_members as ${sql.ref(name)}
      on ${sql.ref(`${name}.audience_id`)} = ${id}
      and ${sql.ref(`${name}.version`)} = ${version}
      and ${sql.ref(`${name}.kind`)} = ${sql.lit(kind)}
      and ${sql.ref(`${name}.id`)} = d.${sql.ref(column)}`);
    return sql.ref(`${name}.id`);
  });
  return sql`(${device} is not null or ${user} is not null)`;
}
