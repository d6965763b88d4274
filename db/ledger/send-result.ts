import { type RawBuilder, sql } from 'kysely';
import {
  DELIVERY_STATUSES,
  PLATFORM_CODE,
  type SendResult,
  STATUS_CODE,
  sendResult,
} from '../../domain/pushes/delivery.ts';
import { platformOf } from '../core/platform-code.ts';

/** The failure reason of an iOS device whose request was written and never answered. */
export const UNKNOWN_OUTCOME = 'unknown_outcome';

/** Statuses of deliveries without a message: no receipt of them can exist. */
export const NEVER_SENT: readonly number[] = [
  STATUS_CODE.unreachable,
  STATUS_CODE.suppressed,
  STATUS_CODE.not_sent,
];

export interface SendState {
  readonly status: number;
  readonly platform: number | null;
  readonly receipted: boolean;
  readonly reason: string | null;
}

/** The counter that a sent device stands in; undefined while it counts in none of the three. */
export function sendOutcome(state: SendState): { metric: SendResult; reason: string } | undefined {
  const status = DELIVERY_STATUSES[state.status];
  const platform = platformOf(state.platform);
  if (status === undefined || platform === null) return undefined;
  const metric = sendResult(status, platform, state.receipted);
  if (metric === undefined) return undefined;
  return { metric, reason: metric === 'failure' ? failureReason(state) : '' };
}

export interface SendColumns {
  readonly status: RawBuilder<unknown>;
  readonly platform: RawBuilder<unknown>;
  /** A boolean: whether any receipt came. */
  readonly receipted: RawBuilder<unknown>;
  readonly reason: RawBuilder<unknown>;
}

const { accepted, rejected, ambiguous } = STATUS_CODE;

/** Statuses of requests with a final or an ambiguous outcome. */
export const SENT: readonly number[] = [accepted, rejected, ambiguous];

/** `sendResult` of the domain as an SQL expression; null where that is undefined. */
export function sendResultSql(columns: Omit<SendColumns, 'reason'>): RawBuilder<SendResult | null> {
  const { status, platform, receipted } = columns;
  return sql`(case
    when ${status} not in (${code(accepted)}, ${code(rejected)}, ${code(ambiguous)}) then null
    when ${platform} is null then null
    when ${receipted} then 'success'
    when ${status} = ${code(rejected)} then 'failure'
    when ${platform} <> ${code(PLATFORM_CODE.ios)} then 'no_feedback'
    when ${status} = ${code(accepted)} then 'success'
    else 'failure' end)`;
}

/** The reason under which that result is counted: '' unless it is a failure. */
export function sendReasonSql(columns: SendColumns): RawBuilder<string> {
  return sql`(case
    when ${sendResultSql(columns)} is distinct from 'failure' then ''
    when ${columns.status} = ${code(ambiguous)} then ${sql.lit(UNKNOWN_OUTCOME)}
    else coalesce(${columns.reason}, '') end)`;
}

function failureReason({ status, reason }: SendState): string {
  return status === ambiguous ? UNKNOWN_OUTCOME : (reason ?? '');
}

function code(value: number): RawBuilder<number> {
  return sql.lit(value);
}
