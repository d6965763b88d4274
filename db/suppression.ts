import { type RawBuilder, sql, type Transaction } from 'kysely';
import { type Cap, type QuietHours, type QuietUse, reasonOf } from '../domain/cap.ts';
import { isPersonal } from '../domain/content-variant.ts';
import type { SuppressionReason } from '../domain/reasons.ts';
import { classOf, type TaskDefinition } from '../domain/task-definition.ts';
import { overCap } from './caps.ts';
import { findContactRules } from './contact-rules.ts';
import { contentColumns } from './content-columns.ts';
import { withHashJoins } from './planner-settings.ts';
import { withinQuotas } from './quotas.ts';
import type { Schema } from './schema.ts';

/** What keeps devices out of a push beyond its audience, as far as this push has any of it. */
export interface Suppression {
  readonly appId: string;
  readonly isPersonal: boolean;
  /** Of one user or device. */
  readonly caps: readonly Cap[];
  /** Over all devices of the app. */
  readonly quotas: readonly Cap[];
  /** They suppress. */
  readonly quietHours: QuietHours | null;
  /** They hold back; who is in them is in a wave of its own. */
  readonly hold: QuietHours | null;
  /** The app has caps: what is to be sent is entered in the contact log at once. */
  readonly hasCaps: boolean;
  /** Columns of the device `d`, each behind a comma. */
  readonly columns: RawBuilder<unknown>;
  /** Their names, and as many nulls. */
  readonly names: RawBuilder<unknown>;
  readonly nulls: RawBuilder<unknown>;
}

/** Pushes of an app that has caps are prepared one after the other, so that no two take the same last slot. */
export async function findSuppression(
  trx: Transaction<Schema>,
  { appId, definition, now }: { appId: string; definition: TaskDefinition; now: Date },
): Promise<Suppression> {
  const { content, caps: use = 'apply', quietHours: quietUse = 'apply' } = definition;
  const rules = await findContactRules(trx, { appId, now });
  const ownClass = classOf(definition);
  const concerns = ({ class: only = ownClass }: { class?: string | undefined }) => only === ownClass;
  const applied = use === 'apply' ? rules.caps.filter(concerns) : [];
  const caps = applied.filter(({ per }) => per !== 'app');
  const quotas = applied.filter(({ per }) => per === 'app');
  const held = rules.quietHours !== null && concerns(rules.quietHours) ? rules.quietHours : null;
  const action = held === null ? 'ignore' : actionOf(held, quietUse);
  const quiet = action === 'drop' ? held : null;
  const isPlaced = caps.length > 0 || quiet !== null;
  const personal = isPersonal(content);
  return {
    hold: action === 'hold' ? held : null,
    ...{ appId, caps, quotas, quietHours: quiet, isPersonal: personal, hasCaps: rules.caps.length > 0 },
    columns: sql`${contentColumns(content)} ${
      isPlaced
        ? sql`, coalesce('=' || d.user_id, '#' || d.no) as user_key, coalesce(d.time_zone, '') as zone`
        : sql``
    }`,
    nulls: sql`${personal ? sql`, null, null, null` : sql``} ${isPlaced ? sql`, null, null` : sql``}`,
    names: sql`${personal ? sql`, variant, variables, misses_variable` : sql``} ${isPlaced ? sql`, user_key, zone` : sql``}`,
  };
}

function actionOf({ action }: QuietHours, use: QuietUse): 'drop' | 'hold' | 'ignore' {
  return use === 'apply' ? action : use;
}

interface Sending {
  readonly pushNo: number;
  readonly now: Date;
  /** When the row `r` is to be sent. */
  readonly at: RawBuilder<unknown>;
  /** Columns to keep, each behind a comma. */
  readonly more: RawBuilder<unknown>;
}

/** The rows with everything that suppresses them; the day limits of channels come last, so that nobody else uses them up. */
export function suppress(
  rows: RawBuilder<unknown>,
  suppression: Suppression,
  sending: Sending,
): RawBuilder<unknown> {
  const { appId, quotas } = suppression;
  const judged = judge(rows, suppression, sending);
  if (quotas.length === 0) return judged;
  return withinQuotas(judged, quotas, { ...sending, appId, kept: keptOf(suppression, sending) });
}

function keptOf({ isPersonal }: Suppression, { more }: Pick<Sending, 'more'>): RawBuilder<unknown> {
  return sql`r.id, r.device_no, r.platform, r.channel, r.token, r.loss ${more}
    ${isPersonal ? sql`, r.variant, r.variables` : sql``}`;
}

function judge(
  rows: RawBuilder<unknown>,
  suppression: Suppression,
  { pushNo, now, at, more }: Sending,
): RawBuilder<unknown> {
  const { appId, caps, quietHours } = suppression;
  const isPlaced = caps.length > 0 || quietHours !== null;
  if (!isPlaced && !suppression.isPersonal) return rows;
  const misses = suppression.isPersonal ? sql`r.misses_variable` : sql`false`;
  const kept = keptOf(suppression, { more });
  const own = [
    ...caps.map(
      (cap, no) =>
        sql`when p.device_no in (select device_no from ${overOf(no)}) then ${sql.lit(reasonOf(cap))}`,
    ),
    ...(quietHours === null ? [] : [sql`when ${isQuiet(quietHours)} then ${reason('quiet_hours')}`]),
    sql`when ${misses} then ${reason('missing_variable')}`,
  ];
  const judged = sql`case when r.loss is not null then null when r.suppression is not null then r.suppression
    ${sql.join(own, sql` `)} end as suppression`;
  if (!isPlaced) return sql`select ${kept}, ${judged} from (${rows}) r`;
  return sql`
    with judged_rows as materialized (${rows}),
    zones as materialized (
      select z.zone, coalesce(n.name, home.name, 'UTC') as name
      from (select distinct zone from judged_rows where loss is null and suppression is null) z
        left join pg_timezone_names n on n.name = z.zone
        left join (select p.name from pg_timezone_names p join apps a on a.time_zone = p.name where a.id = ${appId}) home on true
    ), placed as materialized (
      select r.device_no, r.user_key, r.channel, ${at} as at, z.name as zone
      from judged_rows r join zones z on z.zone = r.zone
      where r.loss is null and r.suppression is null and not ${misses}
    ) ${sql.join(
      caps.map((cap, no) => sql`, ${overOf(no)} as materialized (${overCap(cap, { appId, pushNo, now })})`),
      sql` `,
    )}
    select ${kept}, ${judged} from judged_rows r
      left join placed p on p.device_no = r.device_no and r.loss is null`;
}

/** Runs the statement with these rows. */
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
  const time = sql`(p.at at time zone p.zone)::time`;
  const either = from < to ? sql`and` : sql`or`;
  return sql`(${time} >= ${from}::time ${either} ${time} < ${to}::time)`;
}
