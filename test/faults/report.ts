import type { Attribution } from './attribute-losses.ts';
import type { Audit } from './audit.ts';
import type { FaultOptions } from './options.ts';
import type { Traffic } from './traffic.ts';

export interface Findings {
  readonly options: FaultOptions;
  /** Faults that hit open requests, by kind. */
  readonly kills: Readonly<Record<string, number>>;
  readonly storms: Readonly<Record<string, number>>;
  readonly found: Audit;
  readonly attributed: Attribution;
  readonly traffic: Traffic;
  readonly crashes: readonly string[];
  readonly unfinished: readonly string[];
  readonly refusedReceipts: readonly string[];
  readonly receipts: number;
  readonly durationMs: number;
}

export interface FaultReport {
  /** The last line of the output. */
  readonly line: Readonly<Record<string, unknown>>;
  /** Violations of the guarantees; empty when all held. */
  readonly broken: string[];
}

/** How many deliveries one dead sender may leave marked as in flight and never written. */
const MAX_UNSEEN = 256;
const SHOWN = 20;

export function reportOf(findings: Findings): FaultReport {
  const { options, found, attributed, traffic } = findings;
  const unseen = found.ambiguous.filter(({ wasSeen }) => !wasSeen).length;
  const perKill = attributed.perSender.map((one) => one.unseen);
  const line = {
    seed: options.seed,
    devices: options.devices,
    temporal: options.temporal,
    kills: findings.kills,
    storms: findings.storms,
    deliveries: found.deliveries,
    receipts: findings.receipts,
    duplicates: traffic.duplicates.length + traffic.blind.length,
    forgotten: found.forgotten.length,
    ambiguous: found.ambiguous.length,
    ambiguousRefused: found.ambiguous.filter(({ wasRefused }) => wasRefused).length,
    ambiguousUnseen: unseen,
    ambiguousUnseenPerKill: Math.max(0, ...perKill),
    ambiguousUnseenOf: attributed.perSender,
    ambiguousUnseenElsewhere: attributed.elsewhere,
    receiptsLost: found.receiptsLost.length + findings.refusedReceipts.length,
    reconciles: found.unreconciled.length === 0,
    crashes: findings.crashes.length,
    durationMs: findings.durationMs,
  };
  return { line, broken: brokenOf(findings) };
}

function brokenOf({ options, kills, storms, found, attributed, traffic, ...findings }: Findings): string[] {
  const missed = [
    ...Object.entries(kills).filter(([, count]) => count < options.rounds),
    ...Object.entries(storms).filter(([, count]) => count < options.storms),
  ];
  const tooMany = attributed.perSender.filter(({ unseen }) => unseen > MAX_UNSEEN);
  return [
    ...some('never finished', findings.unfinished),
    ...some(
      'processed twice',
      traffic.duplicates.map((one) => JSON.stringify(one)),
    ),
    ...some(
      'sent again after an unknown outcome',
      traffic.blind.map((one) => JSON.stringify(one)),
    ),
    ...some('forgotten', found.forgotten),
    ...some('contradiction', found.contradictions),
    ...some('receipt lost', found.receiptsLost),
    ...some('receipt counted that no device sent', found.receiptsInvented),
    ...some('receipt of a processed message not taken', findings.refusedReceipts),
    ...some('does not reconcile', found.unreconciled),
    ...some('process ended by itself', findings.crashes),
    ...some(
      'hit open requests too seldom',
      missed.map(([kind, count]) => `${kind}: ${count}`),
    ),
    ...some(
      'too many in flight and never written',
      tooMany.map((one) => JSON.stringify(one)),
    ),
    // The simulated services read every request whole, also unanswered ones, so nothing else explains an
    // unseen one.
    ...some(
      'in flight, never seen, and held by no sender that was killed or frozen',
      Object.entries(attributed.elsewhere).map(([why, count]) => `${count} ${why}`),
    ),
  ];
}

function some(what: string, cases: readonly string[]): string[] {
  const shown = cases.slice(0, SHOWN).map((one) => `${what}: ${one}`);
  return cases.length > SHOWN ? [...shown, `${what}: ${cases.length - SHOWN} more`] : shown;
}
