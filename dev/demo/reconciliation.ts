import { isDeepStrictEqual } from 'node:util';
import { type Figures, reconcile } from '../../domain/pushes/metrics.ts';
import type { DeviceSimulator } from '../devices/device-simulator.ts';
import type { Counts } from '../simulators/request-log.ts';
import type { Outcome } from './collect.ts';
import type { RepeatingOutcome } from './repeating.ts';
import type { PauseFigures } from './send.ts';
import type { Team } from './team.ts';

export interface Finished {
  readonly outcome: Outcome;
  readonly pause: PauseFigures;
  readonly devices: DeviceSimulator;
  readonly counts: Counts;
  readonly team: Team;
  readonly tasks: readonly RepeatingOutcome[];
  readonly badRows: { readonly devices: number; readonly audience: number };
}

type Check = readonly [what: string, expected: unknown, actual: unknown];

/** The engine's figures that violate its own sums. */
export function brokenSums({ outcome, tasks }: Finished): string[] {
  const { platforms, ...all } = outcome.answer.statistics;
  const figures: Figures[] = [all, ...Object.values(platforms).flatMap((one) => one ?? [])];
  for (const task of tasks) figures.push(...task.pushes.map((push) => push.statistics.statistics));
  return figures.flatMap(reconcile);
}

/** The engine's figures that differ from those of the push services or the devices. */
export function differences(finished: Finished): string[] {
  const checks = [...sendingChecks(finished), ...receiptChecks(finished)];
  return checks
    .filter(([, expected, actual]) => !isDeepStrictEqual(expected, actual))
    .map(
      ([what, expected, actual]) =>
        `${what}: ${JSON.stringify(expected)} expected, ${JSON.stringify(actual)} counted`,
    );
}

/** A device that was sent to was reached exactly once, or the push service refused it. */
function sendingChecks({ outcome, counts, team, tasks, pause }: Finished): Check[] {
  const { sent, failures, pending, notSent, suppressed, platforms } = outcome.answer.statistics;
  const { ios, android } = platforms;
  const { apns, fcm } = counts.channels;
  // Each push to the team reaches all of its devices.
  const teamPushes = tasks.reduce((sum, task) => sum + task.pushes.length, 0);
  const ofTeam = teamPushes * team.ofEachPlatform;
  return [
    ['fault of the push', null, outcome.push.statusReason],
    ['pending, not sent, suppressed', 0, pending + notSent + suppressed],
    ['messages processed twice', 0, counts.duplicates],
    ['devices reached', counts.distinctDevices, sent - failures + team.size],
    ['messages processed', counts.distinctMessages, sent - failures + teamPushes * team.size],
    ['iOS success', apns.processed - ofTeam, ios?.success],
    ['Android accepted', fcm.processed - ofTeam, android && android.success + (android.noFeedback ?? 0)],
    ['requests after the pause', 0, pause.requestsAfterAck],
  ];
}

const REPORTED = ['impressions', 'opens', 'taps', 'dismissals', 'blocked'] as const;

function receiptChecks({ outcome, devices, team, tasks }: Finished): Check[] {
  const { statistics: actual, late } = outcome.answer;
  const teamPushes = tasks.flatMap((task) => task.pushes.map((push) => push.statistics.statistics));
  const sum = (values: readonly (number | null | undefined)[]) =>
    values.reduce<number>((total, value) => total + (value ?? 0), 0);
  const deliveries = sum(teamPushes.map((now) => now.platforms.android?.deliveries));
  return [
    ['answers to receipts', devices.answers.expected, devices.answers.actual],
    ['answers to receipts of the team', team.devices.answers.expected, team.devices.answers.actual],
    ['late', devices.answers.expected.late, late],
    ['Android deliveries', devices.figures.delivered, actual.platforms.android?.deliveries],
    ['Android deliveries of the team', team.devices.figures.delivered, deliveries],
    ...REPORTED.map((name): Check => [name, devices.figures[name], actual[name]]),
    ...REPORTED.map(
      (name): Check => [
        `${name} of the team`,
        team.devices.figures[name],
        sum(teamPushes.map((now) => now[name])),
      ],
    ),
  ];
}
