import type { QuietHours } from '../caps/cap.ts';
import { endOfQuiet } from '../caps/quiet-hours.ts';
import { daysAfter, type LocalTime, localTimeOf, momentOf } from '../time/local-time.ts';
import { isTimeZone } from '../time/time-zone.ts';
import type { LatePolicy } from './late-policy.ts';

/** The zone in which each time of day comes first. */
export const FIRST_ZONE = 'Pacific/Kiritimati';

/** The treatment of devices whose zone is past the time when the push starts. */
export const PAST_ZONES = ['skip', 'next_day', 'send_now'] as const;
export type PastZones = (typeof PAST_ZONES)[number];

export interface WavePlan {
  /** When each wave is due, ascending. A wave's number is its index. */
  readonly dueAt: readonly number[];
  /** The wave of each zone. Null for a zone whose devices get nothing. */
  readonly waveOf: ReadonlyMap<string, number | null>;
}

/** A push takes a moment to start. Its first zone must not be past by then. */
const LEAST_GRACE_MS = 10 * 60_000;

/** How long after its time a zone is not past. Within this time its devices get the push late, at once. */
export function zoneGraceOf(latePolicy: LatePolicy): number {
  const minutes = latePolicy.action === 'skip' ? latePolicy.afterMinutes : 60;
  return Math.max(LEAST_GRACE_MS, minutes * 60_000);
}

/** The timing of a push at each device's local time. */
export interface ZoneTiming {
  readonly local: LocalTime;
  readonly past: PastZones;
  readonly graceMs: number;
}

/**
 * Groups the zones into waves, one for each moment at which zones are due. A zone is due when its clocks show
 * the time, or now, or at the end of quiet hours that hold. Zones that are already due form one wave.
 */
export function planWaves(args: {
  readonly zones: Iterable<string>;
  readonly now: number;
  readonly timing?: ZoneTiming | undefined;
  readonly hold?: QuietHours | null;
}): WavePlan {
  const { now, timing, hold = null } = args;
  const dueOf = new Map<string, number | null>();
  for (const zone of args.zones) {
    const held = (at: number) => (hold === null ? at : endOfQuiet(hold, at, zone));
    const at = timing === undefined ? now : dueAtOf(zone, timing, now, held);
    dueOf.set(zone, at === null ? null : held(Math.max(at, now)));
  }
  const dueAt = [...new Set([...dueOf.values()].filter((at) => at !== null))].toSorted((a, b) => a - b);
  const waveOf = new Map(
    [...dueOf].map(([zone, at]) => [zone, at === null ? null : dueAt.indexOf(at)] as const),
  );
  return { dueAt, waveOf };
}

/** A zone in quiet hours that hold is past only after their end. */
function dueAtOf(
  zone: string,
  { local, past, graceMs }: ZoneTiming,
  now: number,
  held: (at: number) => number,
): number | null {
  const at = held(momentOf(local, zone));
  if (at + graceMs >= now) return at;
  if (past === 'skip') return null;
  if (past === 'send_now') return now;
  for (let days = Math.max(1, Math.floor((now - at) / 86_400_000) - 1); ; days++) {
    const next = held(momentOf(daysAfter(local, days), zone));
    if (next + graceMs >= now) return next;
  }
}

/** The local time of a push by zones. `dueAt` is the moment in the first zone. */
export function localTimeOfPush(dueAt: number): LocalTime {
  return localTimeOf(dueAt, FIRST_ZONE);
}

export function firstMomentOf(local: LocalTime): number {
  return momentOf(local, FIRST_ZONE);
}

/** The device's zone, or the app's when the device has none or an unknown one. */
export function zoneOr(zone: string | null, appZone: string): string {
  return zone !== null && isTimeZone(zone) ? zone : appZone;
}
