import type { Random } from '../../dev/devices/random.ts';

export const KILLS = ['sender', 'workflow', 'api', 'temporal', 'postgres'] as const;
export type Kill = (typeof KILLS)[number];
export const STORMS = ['freeze', 'goaway', 'unavailable', 'blackhole'] as const;
export type Storm = (typeof STORMS)[number];
export type FaultKind = Kill | Storm;

export interface PlannedFault {
  readonly kind: FaultKind;
  /** Distance from the previous fault. */
  readonly afterMs: number;
  /** How long the target stays dead, frozen or bad. */
  readonly forMs: number;
  /** Picks one of several targets. */
  readonly choice: number;
}

const GAP_MS = { min: 200, spread: 3_500 };
const LASTING: Readonly<Record<FaultKind, { readonly min: number; readonly spread: number }>> = {
  sender: { min: 50, spread: 3_000 },
  workflow: { min: 50, spread: 3_000 },
  api: { min: 50, spread: 2_000 },
  // Some stalls exceed the heartbeat timeout of 5 s, which then expires for living senders.
  temporal: { min: 50, spread: 6_500 },
  // Some stalls exceed the 3 s that a sender may continue without an answer from the database.
  postgres: { min: 50, spread: 5_000 },
  // Longer than the heartbeat timeout and the lease.
  freeze: { min: 6_000, spread: 4_000 },
  goaway: { min: 2_000, spread: 3_000 },
  unavailable: { min: 2_000, spread: 3_000 },
  blackhole: { min: 1_000, spread: 3_000 },
};

/** The same seed plans the same faults, in the same order, at the same distances. */
export function planFaults(
  random: Random,
  { rounds, storms }: { readonly rounds: number; readonly storms: number },
): PlannedFault[] {
  const kinds = [
    ...KILLS.flatMap((kind) => Array.from({ length: rounds }, () => kind)),
    ...STORMS.flatMap((kind) => Array.from({ length: storms }, () => kind)),
  ];
  return shuffled(kinds, random).map((kind) => planFault(kind, random));
}

export function planFault(kind: FaultKind, random: Random): PlannedFault {
  const { min, spread } = LASTING[kind];
  return {
    kind,
    afterMs: GAP_MS.min + random.below(GAP_MS.spread),
    forMs: min + random.below(spread),
    choice: random.below(1_000),
  };
}

/** How many faults of a kind have to hit open requests. */
export function wantedOf(
  kind: FaultKind,
  { rounds, storms }: { readonly rounds: number; readonly storms: number },
): number {
  return isKill(kind) ? rounds : storms;
}

function isKill(kind: FaultKind): kind is Kill {
  return (KILLS as readonly string[]).includes(kind);
}

function shuffled<T>(items: readonly T[], random: Random): T[] {
  const left = [...items];
  return items.flatMap(() => left.splice(random.below(left.length), 1));
}
