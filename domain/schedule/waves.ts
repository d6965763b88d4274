import type { QuietHours } from '../caps/cap.ts';
import { endOfQuiet } from '../caps/quiet-hours.ts';
import { daysAfter, type LocalTime, localTimeOf, momentOf } from '../time/local-time.ts';
import { isTimeZone } from '../time/time-zone.ts';
import type { LatePolicy } from './late-policy.ts';

/** The zone in which each time of day comes first. */
export const FIRST_ZONE = 'Pacific/Kiritimati';

/** What happens to devices in whose zone the time has passed when the push begins. */
export const PAST_ZONES = ['skip', 'next_day', 'send_now'] as const;
export type PastZones = (typeof PAST_ZONES)[number];

export interface WavePlan {
  /** When each wave is due, ascending. Its number is its place. */
  readonly dueAt: readonly number[];
  /** The wave of each zone; none for a zone whose devices get nothing. */
  readonly waveOf: ReadonlyMap<string, number | null>;
}

/** A push takes a moment to begin, and must not find its first zone past. */
const LEAST_GRACE_MS = 10 * 60_000;

/** For so long after its time a zone is not past: it is sent to at once, late. */
export function zoneGraceOf(latePolicy: LatePolicy): number {
  const minutes = latePolicy.action === 'skip' ? latePolicy.afterMinutes : 60;
  return Math.max(LEAST_GRACE_MS, minutes * 60_000);
}

/** Of a push at each device's own time. */
export interface ZoneTiming {
  readonly local: LocalTime;
  readonly past: PastZones;
  readonly graceMs: number;
}

/**
 * Cuts the zones into waves, one for each moment at which some of them are due: when clocks show the time, or now, and
 * after the quiet hours where these hold devices back. What is due already is one wave.
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

/** A zone that is held back has not passed before it is due. */
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

/** The time of day that a push means, which is due first where the day begins first. */
export function localTimeOfPush(dueAt: number): LocalTime {
  return localTimeOf(dueAt, FIRST_ZONE);
}

export function firstMomentOf(local: LocalTime): number {
  return momentOf(local, FIRST_ZONE);
}

/** A device's own zone, or the app's when it has none that exists. */
export function zoneOr(zone: string | null, appZone: string): string {
  return zone !== null && isTimeZone(zone) ? zone : appZone;
}
