import { reconcile } from '../../domain/metrics.ts';
import type { DeviceSimulator } from '../devices/device-simulator.ts';
import type { ExpectedPush } from '../devices/expected-push.ts';
import type { Counts } from '../simulators/request-log.ts';
import type { Outcome } from './collecting.ts';
import type { Differences } from './differences.ts';
import type { RepeatingOutcome } from './repeating.ts';
import type { PauseFigures } from './sending.ts';
import type { Team } from './team.ts';

export interface Finished {
  readonly expected: ExpectedPush;
  readonly outcome: Outcome;
  readonly pause: PauseFigures;
  readonly devices: DeviceSimulator;
  readonly counts: Counts;
  readonly team: Team;
  readonly repeated: RepeatingOutcome;
}

/** Holds the engine's figures against those of everybody who knows them independently; says whether the sums add up. */
export function compare(finished: Finished, differences: Differences): boolean {
  const { outcome, pause } = finished;
  const faults = unreconciled(outcome.answer.statistics);
  for (const fault of faults) differences.add(fault);
  compareTarget(finished, differences);
  compareSending(finished, differences);
  compareReceipts(finished, differences);
  differences.equal('final', true, outcome.answer.final);
  differences.equal('fault of the push', null, outcome.push.statusReason);
  differences.equal('requests after the pause was acknowledged', 0, pause.requestsAfterAck);
  return faults.length === 0;
}

function unreconciled(statistics: Outcome['answer']['statistics']): string[] {
  const { platforms, ...all } = statistics;
  const parts = Object.entries(platforms).flatMap(([platform, figures]) =>
    figures === undefined ? [] : reconcile(figures).map((fault) => `${platform}: ${fault}`),
  );
  return [...reconcile(all), ...parts];
}

function compareTarget({ expected, outcome }: Finished, differences: Differences): void {
  const { statistics: actual } = outcome.answer;
  differences.equal('planned', expected.planned, actual.planned);
  differences.equal('matched', expected.matched, actual.matched);
  differences.equal('reasons of loss', sorted(expected.lossReasons), sorted(actual.lossReasons));
  differences.equal(
    'nothing is left',
    { pending: 0, notSent: 0, suppressed: 0 },
    {
      pending: actual.pending,
      notSent: actual.notSent,
      suppressed: actual.suppressed,
    },
  );
}

/** Each device that was sent to was processed exactly once, or has the reason why it never will be. */
function compareSending(finished: Finished, differences: Differences): void {
  const { expected, outcome, counts, team, repeated } = finished;
  const { statistics: actual } = outcome.answer;
  const { ios, android } = actual.platforms;
  differences.equal('reasons of failure', sorted(expected.failureReasons), sorted(actual.failureReasons));
  differences.equal('messages processed twice', 0, counts.duplicates);
  const reached = actual.sent - actual.failures;
  differences.equal('devices that a message reached', reached + team.size, counts.distinctDevices);
  // Each push to the team reaches all of it; its own figures are compared apart.
  const pushes = repeated.tasks.reduce((sum, task) => sum + task.pushes.length, 0);
  const toMany = {
    apns: counts.channels.apns.processed - pushes * team.ios,
    fcm: counts.channels.fcm.processed - pushes * team.android,
  };
  differences.equal('messages processed', reached + pushes * team.size, counts.distinctMessages);
  differences.equal('iOS successes', toMany.apns, ios?.success);
  differences.equal('Android accepted', toMany.fcm, android && android.success + (android.noFeedback ?? 0));
}

function compareReceipts({ outcome, devices }: Finished, differences: Differences): void {
  const { statistics: actual, late } = outcome.answer;
  const { figures, answers } = devices;
  differences.equal('answers to receipts', answers.expected, answers.actual);
  differences.equal('late', answers.expected.late, late);
  differences.equal('Android deliveries', figures.delivered, actual.platforms.android?.deliveries);
  for (const name of ['impressions', 'opens', 'taps', 'dismissals', 'blocked'] as const) {
    differences.equal(name, figures[name], actual[name]);
  }
}

function sorted(reasons: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(reasons).sort(([a], [b]) => (a < b ? -1 : 1)));
}
