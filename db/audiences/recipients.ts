import { type RawBuilder, sql } from 'kysely';
import { ruleOf } from '../../domain/audiences/audience-definition.ts';
import type { AudienceRef, AudienceRule } from '../../domain/audiences/audience-rule.ts';
import type { Platform } from '../../domain/platform.ts';
import { PLATFORM_CODE } from '../../domain/pushes/delivery.ts';
import type { SuppressionReason } from '../../domain/pushes/reasons.ts';
import type { Db } from '../core/database.ts';
import { type AudienceSource, findSource, NAMES_MEMBERS } from './audience-source.ts';
import { type RecipientColumns, selectColumns } from './recipient-columns.ts';
import { loadRuleContext, RuleError } from './rule-context.ts';
import { type CompiledRules, compileRules } from './rule-sql.ts';

/** The origin of recipients: an audience, an unsaved rule, or the copy that was made at approval. */
export type RecipientSource =
  | { readonly audience: AudienceSource }
  | { readonly rule: AudienceRule }
  | { readonly frozenNo: number };

export interface RecipientQuery {
  readonly appId: string;
  readonly now: Date;
  /** The local date that a push at each device's own time is for. Otherwise the app's date at `now`. */
  readonly today?: string | undefined;
  readonly from: RecipientSource;
  readonly platforms: readonly Platform[];
  readonly exclusions: readonly AudienceRef[];
  readonly devices: 'all' | 'last_active';
  /** Set for read-only statements, which several Postgres processes may run. */
  readonly isParallel?: true;
  /** Columns that a push needs in addition to the addresses. An estimate needs none. */
  readonly columns?: RecipientColumns;
  /** Limits the devices to a range of numbers; null means no upper bound. */
  readonly between?: readonly [from: number, to: number | null] | undefined;
  /** Limits an audience that names its members to a range of them. */
  readonly members?: MemberRange | undefined;
  /** Time at which devices below `between` were planned. A token of theirs from then is not planned again. */
  readonly plannedAt?: Date | undefined;
  /** Narrows an audience that names its members to these users and their devices. */
  readonly userIds?: readonly string[] | undefined;
}

/** Members of a kind (0: device IDs, 1: user IDs) in the order of their IDs. */
export interface MemberRange {
  readonly kind: number;
  readonly after: string;
  readonly to: string;
}

/**
 * One row for each planned ID: `id, device_no, platform, channel, token, loss, suppression` and the columns
 * of `recipient-columns.ts`. An estimate counts these rows, and preparing a push writes them. Caps, quiet hours and
 * variables suppress further devices later, in `db/caps/suppression.ts`.
 */
export async function recipientRows(db: Db, query: RecipientQuery): Promise<RawBuilder<unknown>> {
  const compiled = await compile(db, query);
  const rows = isByDevice(query.from) ? judgeDevices(query, compiled) : judgeMembers(query, compiled);
  return withSuppression(query, rows);
}

/** Whether each device's own row decides about it, so that the audience can be computed in parts. */
export async function isRowLocal(db: Db, query: RecipientQuery): Promise<boolean> {
  if (!isByDevice(query.from) || query.devices !== 'all') return false;
  return (await compile(db, query)).areOfDevice;
}

async function compile(db: Db, query: RecipientQuery): Promise<CompiledRules> {
  const { appId, now, today, from, plannedAt, isParallel = false } = query;
  const chosen = ruleFrom(from);
  const exclusions = query.exclusions.map((ref): AudienceRule => ({ field: 'audience', op: 'in', ...ref }));
  const rules = [...(chosen === undefined ? [] : [chosen]), ...exclusions];
  // Every part of a push has the same day, also when midnight passes between two of them.
  const context = await loadRuleContext(db, {
    appId,
    now,
    today,
    dayOf: plannedAt ?? now,
    isParallel,
    rules,
  });
  return compileRules({ planned: chosen, exclusions }, context);
}

function ruleFrom(from: RecipientSource): AudienceRule | undefined {
  if ('rule' in from) return from.rule;
  if ('frozenNo' in from || from.audience.definition === undefined) return undefined;
  return ruleOf(from.audience.definition);
}

/** Whether each planned ID is a device. Otherwise the audience names IDs, which are resolved to devices. */
export function isByDevice(from: RecipientSource): boolean {
  return 'rule' in from || ('audience' in from && !NAMES_MEMBERS.has(from.audience.kind));
}

/** Rows for audiences in which each planned ID is one device, so that none is unknown or a duplicate. */
function judgeDevices(
  { appId, platforms, between = [0, null], plannedAt, columns = {} }: RecipientQuery,
  { joins, planned, excluded }: CompiledRules,
): RawBuilder<unknown> {
  const [first, end] = between;
  const above = first === 0 ? sql`` : sql`and d.no >= ${first}::bigint`;
  const below = end === null ? sql`` : sql`and d.no < ${end}::bigint`;
  const moved =
    plannedAt === undefined ? sql`` : sql`when ${hasMoved(first, plannedAt)} then 'duplicate_device'`;
  return sql`
    select d.device_id as id, d.no as device_no, d.platform, d.channel, d.token, d.user_id, d.last_active_at,
      case ${lossOfDevice(platforms)} ${moved} end as loss,
      ${excluded} as excluded,
      ${selectColumns(columns)}
    from devices d ${joins}
    where d.app_id = ${appId} ${above} ${below}
      and ${planned}`;
}

/** Statements under way at `plannedAt` stamp ended tokens with times up to this much earlier. */
const UNDER_WAY_MS = 60_000;

function hasMoved(below: number, plannedAt: Date): RawBuilder<boolean> {
  const since = new Date(plannedAt.getTime() - UNDER_WAY_MS);
  return sql`d.token_registered_at >= ${since}::timestamptz and sha256(convert_to(d.token, 'utf8')) in (
    select token_hash
    from device_tokens
    where ended_at >= ${since}::timestamptz and device_no < ${below}::bigint
  )`;
}

/** Rows for named IDs. A device named by its own ID and its user's ID gets one send and one loss. */
function judgeMembers(
  { appId, from, platforms, userIds, members, columns = {} }: RecipientQuery,
  { joins, excluded }: CompiledRules,
): RawBuilder<unknown> {
  const planned =
    'frozenNo' in from ? frozenIds(from.frozenNo) : memberIds(appId, audienceOf(from), { userIds, members });
  return sql`
    select planned.id, planned.device_no, d.platform, d.channel, d.token, d.user_id, d.last_active_at,
      case
        when d.no is null and planned.kind = 1 then 'unknown_user'
        when d.no is null then 'unknown_device'
        when planned.is_duplicate then 'duplicate_device'
        ${lossOfDevice(platforms)}
      end as loss,
      d.no is not null and ${excluded} as excluded,
      ${selectColumns(columns)}
    from (${planned}) planned
    left join devices d on d.no = planned.device_no ${joins}`;
}

function audienceOf(from: RecipientSource): AudienceSource {
  if (!('audience' in from)) throw new Error('the members of a rule that is not saved cannot be listed');
  return from.audience;
}

function lossOfDevice(platforms: readonly Platform[]): RawBuilder<unknown> {
  const codes = platforms.map((platform) => PLATFORM_CODE[platform]);
  return sql`
    when d.platform <> all(${codes}::smallint[]) then 'other_platform'
    when d.unsubscribed_at is not null then 'unsubscribed'
    when d.token_state in ('invalid', 'replaced') then 'invalid_token'
    when d.token_state <> 'active' then 'no_token'`;
}

interface OfMembers {
  readonly userIds?: readonly string[] | undefined;
  readonly members?: MemberRange | undefined;
}

/** Rows (kind, id, device_no, is_duplicate) of the uploaded IDs, each with its device if there is one. */
function memberIds(
  appId: string,
  { id, version }: AudienceSource,
  { userIds, members }: OfMembers = {},
): RawBuilder<unknown> {
  const [ofThem, them] =
    userIds === undefined
      ? [sql``, sql``]
      : [sql`and d.user_id = any(${userIds}::text[])`, sql`and member.id = any(${userIds}::text[])`];
  const inRange =
    members === undefined ? sql`` : sql`and member.id > ${members.after} and member.id <= ${members.to}`;
  const named = sql`
    select 0 as kind, member.id, d.no as device_no, false as is_duplicate
    from audience_members member
    left join devices d on d.app_id = ${appId} and d.device_id = member.id
    where member.audience_id = ${id}
      and member.version = ${version}
      and member.kind = 0 ${ofThem} ${inRange}`;
  const ofUsers = sql`
    select 1 as kind, coalesce(d.device_id, member.id) as id, d.no as device_no,
      named.id is not null as is_duplicate
    from audience_members member
    left join devices d on d.app_id = ${appId} and d.user_id = member.id
    left join audience_members named on named.audience_id = ${id}
      and named.version = ${version}
      and named.kind = 0
      and named.id = d.device_id
    where member.audience_id = ${id}
      and member.version = ${version}
      and member.kind = 1 ${them} ${inRange}`;
  const kinds = members === undefined ? [named, ofUsers] : [members.kind === 0 ? named : ofUsers];
  return sql.join(kinds, sql` union all `);
}

function frozenIds(frozenNo: number): RawBuilder<unknown> {
  return sql`select kind, id, device_no, is_duplicate from frozen_members where frozen_no = ${frozenNo}`;
}

/** Rows (kind, id, device_no, is_duplicate) to copy at approval, including IDs that would be lost. */
export async function memberRows(db: Db, query: RecipientQuery): Promise<RawBuilder<unknown>> {
  if (!isByDevice(query.from)) return memberIds(query.appId, audienceOf(query.from));
  const judged = await recipientRows(db, { ...query, exclusions: [], devices: 'all' });
  return sql`select 0 as kind, id, device_no, false as is_duplicate from (${judged}) judged`;
}

const EXCLUDED = sql.lit<SuppressionReason>('excluded');
const NOT_LAST_ACTIVE = sql.lit<SuppressionReason>('not_last_active');

/** Suppresses excluded devices and, for `last_active`, all devices of a user except the last active one. */
function withSuppression({ devices }: RecipientQuery, rows: RawBuilder<unknown>): RawBuilder<unknown> {
  if (devices === 'all') {
    return sql`
    select judged.*, case when loss is null and excluded then ${EXCLUDED} end as suppression
    from (${rows}) judged`;
  }
  return sql`
    select judged.*,
      case
        when loss is not null then null
        when excluded then ${EXCLUDED}
        when user_id is not null and row_number() over (
          partition by loss is null and not excluded, user_id
          order by last_active_at desc nulls last, device_no
        ) > 1 then ${NOT_LAST_ACTIVE}
      end as suppression
    from (${rows}) judged`;
}

/** Throws a RuleError when the app has no such audience version. */
export async function sourceOf(
  db: Db,
  { appId, audience }: { appId: string; audience: AudienceRef },
): Promise<AudienceSource> {
  const version = audience.version ?? 1;
  const source = await findSource(db, { appId, audienceId: audience.id, version });
  if (source === undefined) throw new RuleError(`there is no version ${version} of ${audience.id}`);
  return source;
}
