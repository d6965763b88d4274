import { type RawBuilder, sql, type Transaction } from 'kysely';
import {
  type Cap,
  type ContactRules,
  type QuietHours,
  type QuietUse,
  reasonOf,
} from '../../domain/caps/cap.ts';
import { isPersonal } from '../../domain/content/content-variant.ts';
import type { SuppressionReason } from '../../domain/pushes/reasons.ts';
import { classOf, type TaskDefinition } from '../../domain/tasks/task-definition.ts';
import type { RecipientColumns } from '../audiences/recipient-columns.ts';
import { withHashJoins } from '../core/planner-settings.ts';
import { knownZoneOfApp } from '../core/zone-sql.ts';
import type { Schema } from '../schema/schema.ts';
import { overCap } from './caps.ts';
import { findContactRules } from './contact-rules.ts';
import { contentColumns } from './content-columns.ts';
import { withinQuotas } from './quotas.ts';

/** The rules that keep devices out of a push beyond its audience. */
export interface Suppression {
  readonly appId: string;
  /** The content differs between devices, and so may miss a variable. */
  readonly isPersonal: boolean;
  /** Caps of one user or device. */
  readonly caps: readonly Cap[];
  /** Caps over all devices of the app. */
  readonly quotas: readonly Cap[];
  /** Quiet hours that suppress devices (`action: drop`). */
  readonly quietHours: QuietHours | null;
  /** Quiet hours that hold devices back (`action: hold`), each group in a wave of its own. */
  readonly hold: QuietHours | null;
  /** The app has caps: devices that are to be sent to enter the contact log at once. */
  readonly hasCaps: boolean;
  /** The columns of the recipient rows that `suppress` reads. */
  readonly columns: RecipientColumns;
}

/**
 * Pushes of an app that has caps are prepared one after the other, so that no two take the same last place.
 */
export async function findSuppression(
  trx: Transaction<Schema>,
  { appId, definition, now }: { appId: string; definition: TaskDefinition; now: Date },
): Promise<Suppression> {
  const rules = await findContactRules(trx, { appId, now });
  const { content } = definition;
  const applied = appliedRules(rules, definition);
  const isPlaced = applied.caps.length > 0 || applied.quietHours !== null;
  return {
    ...applied,
    appId,
    isPersonal: isPersonal(content),
    hasCaps: rules.caps.length > 0,
    columns: { ...contentColumns(content), ...(isPlaced ? PLACE_COLUMNS : {}) },
  };
}

/** The user and the time zone that a device counts for. */
const PLACE_COLUMNS: RecipientColumns = {
  user_key: sql`coalesce('=' || d.user_id, '#' || d.no)`,
  zone: sql`coalesce(d.time_zone, '')`,
};

/** The rules that concern the message class of the task, unless the task sets them aside. */
function appliedRules(
  rules: ContactRules,
  definition: TaskDefinition,
): Pick<Suppression, 'caps' | 'quotas' | 'quietHours' | 'hold'> {
  const { caps: use = 'apply', quietHours: quietUse = 'apply' } = definition;
  const ownClass = classOf(definition);
  const concerns = ({ class: only = ownClass }: { class?: string | undefined }) => only === ownClass;
  const caps = use === 'apply' ? rules.caps.filter(concerns) : [];
  const quiet = rules.quietHours !== null && concerns(rules.quietHours) ? rules.quietHours : null;
  const action = quiet === null ? 'ignore' : actionOf(quiet, quietUse);
  return {
    caps: caps.filter(({ per }) => per !== 'app'),
    quotas: caps.filter(({ per }) => per === 'app'),
    quietHours: action === 'drop' ? quiet : null,
    hold: action === 'hold' ? quiet : null,
  };
}

function actionOf({ action }: QuietHours, use: QuietUse): 'drop' | 'hold' | 'ignore' {
  return use === 'apply' ? action : use;
}

interface Sending {
  readonly pushNo: number;
  readonly now: Date;
  /** The time at which the row `recipient` is to be sent. */
  readonly at: RawBuilder<unknown>;
}

/** The columns of a row `recipient` that are written, all but `suppression`. */
const KEPT = sql.join(
  ['id', 'device_no', 'platform', 'channel', 'token', 'loss', 'wave', 'variant', 'variables'].map((name) =>
    sql.ref(`recipient.${name}`),
  ),
);

/**
 * The rows with every reason that suppresses them. Quotas of channels come last, so that no device uses up a
 * place that it does not need.
 */
export function suppress(
  rows: RawBuilder<unknown>,
  suppression: Suppression,
  sending: Sending,
): RawBuilder<unknown> {
  const { appId, quotas } = suppression;
  const judged = judge(rows, suppression, sending);
  if (quotas.length === 0) return judged;
  return withinQuotas(judged, quotas, { ...sending, appId, kept: KEPT });
}

function judge(
  rows: RawBuilder<unknown>,
  suppression: Suppression,
  { pushNo, now, at }: Sending,
): RawBuilder<unknown> {
  const { appId, caps, quietHours } = suppression;
  const isPlaced = caps.length > 0 || quietHours !== null;
  if (!isPlaced && !suppression.isPersonal) return rows;
  if (!isPlaced) return sql`select ${KEPT}, ${judgement([MISSING])} as suppression from (${rows}) recipient`;
  const cases = [
    ...caps.map((cap, no) => {
      const over = sql`placed.device_no in (select device_no from ${overOf(no)})`;
      return sql`when ${over} then ${sql.lit(reasonOf(cap))}`;
    }),
    ...(quietHours === null ? [] : [sql`when ${isQuiet(quietHours)} then ${reason('quiet_hours')}`]),
    MISSING,
  ];
  const overCaps = caps.map(
    (cap, no) => sql`, ${overOf(no)} as materialized (${overCap(cap, { appId, pushNo, now })})`,
  );
  return sql`
    with judged_rows as materialized (
      ${rows}
    ), zones as materialized (
      -- Zones that Postgres does not know are those of the app.
      select own.zone, coalesce(known.name, home.zone) as name
      from (
        select distinct zone
        from judged_rows
        where loss is null and suppression is null
      ) own
      cross join (select ${knownZoneOfApp(appId)} as zone) home
      left join pg_timezone_names known on known.name = own.zone
    ), placed as materialized (
      -- The place and time at which each device would be sent to, for caps and quiet hours.
      select recipient.device_no, recipient.user_key, recipient.channel, ${at} as at, zones.name as zone
      from judged_rows recipient
      join zones on zones.zone = recipient.zone
      where recipient.loss is null
        and recipient.suppression is null
        and recipient.misses_variable is not true
    ) ${sql.join(overCaps, sql` `)}
    select ${KEPT}, ${judgement(cases)} as suppression
    from judged_rows recipient
    left join placed on placed.device_no = recipient.device_no and recipient.loss is null`;
}

const MISSING = sql`when recipient.misses_variable then ${reason('missing_variable')}`;

/** The first reason that holds; null for a row that is unreachable. */
function judgement(cases: readonly RawBuilder<unknown>[]): RawBuilder<unknown> {
  return sql`
    case
      when recipient.loss is not null then null
      when recipient.suppression is not null then recipient.suppression
      ${sql.join(cases, sql` `)}
    end`;
}

/** Runs the statement that contains these rows, with the settings that they need. */
export async function inBulk<T>(
  trx: Transaction<Schema>,
  { caps, quietHours }: Suppression,
  work: () => Promise<T>,
): Promise<T> {
  if (caps.length === 0 && quietHours === null) return await work();
  return await withHashJoins(trx, work);
}

function overOf(no: number): RawBuilder<unknown> {
  return sql.ref(`over_${no}`);
}

function reason(name: SuppressionReason): RawBuilder<unknown> {
  return sql.lit(name);
}

function isQuiet({ from, to }: QuietHours): RawBuilder<unknown> {
  const time = sql`(placed.at at time zone placed.zone)::time`;
  const either = from < to ? sql`and` : sql`or`;
  return sql`(${time} >= ${from}::time ${either} ${time} < ${to}::time)`;
}
