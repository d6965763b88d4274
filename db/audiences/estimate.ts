import { sql } from 'kysely';
import type { AudienceCounts } from '../../domain/audiences/audience-counts.ts';
import { PLATFORMS, type Platform } from '../../domain/platform.ts';
import type { Db } from '../core/database.ts';
import { setParallelScanSettings } from '../core/planner-settings.ts';
import { platformOf } from '../core/platform-code.ts';
import { withStatementTimeout } from '../core/statement-timeout.ts';
import { type RecipientQuery, recipientRows } from './recipients.ts';

export interface SampleDevice {
  readonly deviceId: string;
  readonly userId: string | null;
  readonly platform: Platform;
  /** Why a push would not send to the device; null when it would. */
  readonly reason: string | null;
}

export interface Estimate extends AudienceCounts {
  readonly sample: SampleDevice[];
}

interface Group {
  readonly platform: number | null;
  readonly loss: string | null;
  readonly suppression: string | null;
  readonly n: number;
  readonly first: number | null;
  readonly last: number | null;
}

const NO_PARTS = { planned: 0, matched: 0, losses: {}, suppressed: {}, platforms: {} };

/** Counts the recipients of a push that started now, in one pass over the devices, and picks a sample. */
export async function estimate(
  db: Db,
  planning: RecipientQuery,
  { timeoutMs }: { timeoutMs: number },
): Promise<Estimate> {
  return await withStatementTimeout(db, timeoutMs, async (trx) => {
    await setParallelScanSettings(trx);
    const groups = await countGroups(trx, planning);
    return { ...countsOf(groups), sample: await findSample(trx, groups) };
  });
}

export async function countPlanned(
  db: Db,
  planning: RecipientQuery,
  { timeoutMs }: { timeoutMs: number },
): Promise<AudienceCounts> {
  return await withStatementTimeout(db, timeoutMs, async (trx) => {
    await setParallelScanSettings(trx);
    return countsOf(await countGroups(trx, planning));
  });
}

async function countGroups(db: Db, planning: RecipientQuery): Promise<Group[]> {
  const { rows } = await sql<Group>`
    select platform, loss, suppression, count(*) as n, min(device_no) as first, max(device_no) as last
    from (${await recipientRows(db, { ...planning, isParallel: true })}) judged group by 1, 2, 3 order by 1, 2, 3`.execute(
    db,
  );
  return rows;
}

function countsOf(groups: readonly Group[]): AudienceCounts {
  let counts: AudienceCounts = NO_PARTS;
  for (const { platform: code, loss, suppression, n } of groups) {
    const matched = loss === null ? n : 0;
    const platform = platformOf(code);
    const own = platform === null ? undefined : (counts.platforms[platform] ?? NO_PARTS);
    counts = {
      planned: counts.planned + n,
      matched: counts.matched + matched,
      losses: loss === null ? counts.losses : added(counts.losses, loss, n),
      suppressed: suppression === null ? counts.suppressed : added(counts.suppressed, suppression, n),
      platforms:
        platform === null || own === undefined
          ? counts.platforms
          : { ...counts.platforms, [platform]: { planned: own.planned + n, matched: own.matched + matched } },
    };
  }
  return counts;
}

function added(all: Readonly<Record<string, number>>, reason: string, n: number): Record<string, number> {
  return { ...all, [reason]: (all[reason] ?? 0) + n };
}

export function addCounts(a: AudienceCounts, b: AudienceCounts): AudienceCounts {
  const sum = (left: Readonly<Record<string, number>>, right: Readonly<Record<string, number>>) =>
    Object.entries(right).reduce((all, [reason, n]) => added(all, reason, n), left);
  const platforms = PLATFORMS.flatMap((platform) => {
    const [left, right] = [a.platforms[platform], b.platforms[platform]];
    if (left === undefined && right === undefined) return [];
    const { planned, matched } = left ?? NO_PARTS;
    const more = right ?? NO_PARTS;
    return [[platform, { planned: planned + more.planned, matched: matched + more.matched }] as const];
  });
  return {
    planned: a.planned + b.planned,
    matched: a.matched + b.matched,
    losses: sum(a.losses, b.losses),
    suppressed: sum(a.suppressed, b.suppressed),
    platforms: Object.fromEntries(platforms),
  };
}

export const NO_COUNTS: AudienceCounts = NO_PARTS;

/** The first and the last device of each group: of the recipients, and of each reason not to send. */
async function findSample(db: Db, groups: readonly Group[]): Promise<SampleDevice[]> {
  const reasons = new Map<number, string | null>();
  for (const { loss, suppression, first, last } of groups) {
    // The device of a duplicate already belongs to another group.
    if (loss === 'duplicate_device') continue;
    for (const no of [first, last]) if (no !== null) reasons.set(no, loss ?? suppression);
  }
  if (reasons.size === 0) return [];
  const rows = await db
    .selectFrom('devices')
    .select(['no', 'device_id', 'user_id', 'platform'])
    .where('no', 'in', [...reasons.keys()])
    .orderBy('no')
    .execute();
  return rows.flatMap((row) => {
    const platform = platformOf(row.platform);
    if (platform === null) return [];
    return [{ deviceId: row.device_id, userId: row.user_id, platform, reason: reasons.get(row.no) ?? null }];
  });
}
