import { type RawBuilder, sql } from 'kysely';
import type { QuietHours } from '../../domain/caps/cap.ts';
import { planWaves, zoneGraceOf, zoneOr } from '../../domain/schedule/waves.ts';
import type { TaskDefinition } from '../../domain/tasks/task-definition.ts';
import type { LocalTime } from '../../domain/time/local-time.ts';
import { COLUMN_NAMES } from '../audiences/recipient-columns.ts';
import type { Db } from '../core/database.ts';

/** The wave of each time zone; -1 for zones whose devices get nothing. */
export interface Waves {
  readonly dueAt: readonly number[];
  readonly zones: readonly string[];
  readonly numbers: readonly number[];
  /** The wave of a device without a zone, or with a zone that appeared since. */
  readonly home: number;
}

const SKIPPED = -1;

/** Plans the waves of the zones in which the app's devices are; none when all of them are due at once. */
export async function findWaves(
  db: Db,
  args: {
    appId: string;
    definition: TaskDefinition;
    /** The time that a push at each device's own time means. */
    local?: LocalTime | undefined;
    /** Quiet hours that hold devices back. */
    hold: QuietHours | null;
    /** Only devices of these users. */
    userIds?: readonly string[];
    now: Date;
  },
): Promise<Waves | undefined> {
  const { definition, local, hold, userIds } = args;
  const past = definition.local?.past;
  const timing =
    local === undefined || past === undefined
      ? undefined
      : { local, past, graceMs: zoneGraceOf(definition.latePolicy) };
  if (timing === undefined && hold === null) return undefined;
  const { time_zone: appZone } = await db
    .selectFrom('apps')
    .select('time_zone')
    .where('id', '=', args.appId)
    .executeTakeFirstOrThrow();
  const found = await db
    .selectFrom('devices')
    .select('time_zone')
    .distinct()
    .where('app_id', '=', args.appId)
    .where('time_zone', 'is not', null)
    .$if(userIds !== undefined, (query) => query.where(sql<boolean>`user_id = any(${userIds}::text[])`))
    .execute();
  const zones = found.flatMap(({ time_zone: zone }) => zone ?? []);
  const known = new Set([appZone, ...zones.map((zone) => zoneOr(zone, appZone))]);
  const { dueAt, waveOf } = planWaves({ zones: known, now: args.now.getTime(), timing, hold });
  const numberOf = (zone: string) => waveOf.get(zoneOr(zone, appZone)) ?? SKIPPED;
  return { dueAt, zones, numbers: zones.map(numberOf), home: numberOf(appZone) };
}

/**
 * The recipient rows with the wave of each: 0 where there are no waves. Devices in zones that are skipped are
 * suppressed.
 */
export function inWaves(rows: RawBuilder<unknown>, waves: Waves | undefined): RawBuilder<unknown> {
  if (waves === undefined) return sql`select recipient.*, 0 as wave from (${rows}) recipient`;
  const { zones, numbers, home } = waves;
  return sql`
    select id, device_no, platform, channel, token, loss, wave, ${COLUMN_NAMES},
      case
        when loss is null and suppression is null and wave = ${SKIPPED} then 'zone_passed'
        else suppression
      end as suppression
    from (
      select recipient.*, coalesce(zones.wave, ${home}::int) as wave
      from (${rows}) recipient
      left join devices owner on owner.no = recipient.device_no
      left join unnest(${zones}::text[], ${numbers}::int[]) zones (zone, wave) on zones.zone = owner.time_zone
    ) placed`;
}

export interface DueLeases {
  readonly leases: number[];
  /** Epoch milliseconds; null when none waits for its time zones any more. */
  readonly nextDueAt: number | null;
}

/** Leases that became due between the two times, and the time at which the next one does. */
export async function findDueLeases(
  db: Db,
  args: { pushNo: number; from: Date; now: Date },
): Promise<DueLeases> {
  const rows = await db
    .selectFrom('leases')
    .select('lease_no')
    .where('push_no', '=', args.pushNo)
    .where('done', '=', false)
    .where('due_at', '>=', args.from)
    .where('due_at', '<=', args.now)
    .orderBy('lease_no')
    .execute();
  return { leases: rows.map((row) => row.lease_no), nextDueAt: await nextDueAt(db, args) };
}

export async function nextDueAt(db: Db, args: { pushNo: number; now: Date }): Promise<number | null> {
  const row = await db
    .selectFrom('leases')
    .select((eb) => eb.fn.min('due_at').as('at'))
    .where('push_no', '=', args.pushNo)
    .where('done', '=', false)
    .where('due_at', '>', args.now)
    .executeTakeFirst();
  return row?.at?.getTime() ?? null;
}
