import { reconcile } from '../../domain/metrics.ts';
import type { Differences } from './differences.ts';
import type { PushAnswer } from './release.ts';
import { type RepeatingOutcome, SENDS } from './repeating.ts';
import type { Team } from './team.ts';

/** Holds the pushes to the team against what its devices reported; says whether the sums add up. */
export function compareRepeating(
  { dueAt, tasks }: RepeatingOutcome,
  team: Team,
  differences: Differences,
): boolean {
  const pushes = tasks.flatMap((task) => task.pushes);
  const faults = pushes.flatMap(({ id, statistics }) =>
    reconcile(statistics.statistics).map((fault) => `${id}: ${fault}`),
  );
  for (const fault of faults) differences.add(fault);
  for (const push of pushes) comparePush(push, team, differences);
  for (const { pushType, pushes: history, status } of tasks) {
    const isManual = pushType === 'manual';
    const expected = Array.from({ length: isManual ? SENDS : 1 }, (_, no) => no + 1);
    const seen = history.map(({ seq }) => seq);
    differences.equal(`pushes of the ${pushType} task`, expected, seen);
    // By hand it can be sent again; the one that has pushed as often as it was to has ended, or still collects.
    const statuses = isManual ? ['scheduled'] : ['collecting', 'completed'];
    differences.equal(`the ${pushType} task may be ${status}`, true, statuses.includes(status));
    if (isManual) continue;
    for (const push of history) {
      differences.equal('due by the Schedule', dueAt, push.dueAt);
      differences.equal('started before it was due', false, Number(push.startedAt) < Number(dueAt));
    }
  }
  compareReceipts(pushes, team, differences);
  return faults.length === 0;
}

function comparePush(
  { id, statusReason, statistics }: PushAnswer,
  team: Team,
  differences: Differences,
): void {
  const { platforms, ...now } = statistics.statistics;
  const expected = { planned: team.size, matched: team.size, sent: team.size, failures: 0, ios: team.ios };
  const { planned, matched, sent, failures } = now;
  const actual = { planned, matched, sent, failures, ios: platforms.ios?.success };
  differences.equal(id, expected, actual);
  differences.equal(`fault of ${id}`, null, statusReason);
}

/** A device may get several of these pushes: their sums are what was reported. */
function compareReceipts(pushes: readonly PushAnswer[], team: Team, differences: Differences): void {
  const { figures, answers } = team.devices;
  const all = pushes.map(({ statistics }) => statistics.statistics);
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  differences.equal('answers to receipts of the team', answers.expected, answers.actual);
  const delivered = all.map(({ platforms }) => platforms.android?.deliveries ?? 0);
  differences.equal('Android deliveries of the team', figures.delivered, sum(delivered));
  for (const name of ['impressions', 'opens', 'taps', 'dismissals', 'blocked'] as const) {
    differences.equal(`${name} of the team`, figures[name], sum(all.map((now) => now[name] ?? 0)));
  }
}
