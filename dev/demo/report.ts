import type { Finished } from './comparison.ts';
import { count, percent, type Screen } from './screen.ts';

type Row = readonly [label: string, value: number | null, note?: string];

/** The statistics as the engine froze them, beside what the simulators counted. */
export function printReport(screen: Screen, finished: Finished): void {
  const { outcome, counts, devices, team } = finished;
  const { statistics: now, late } = outcome.answer;
  const { figures, answers } = devices;
  const { apns, fcm } = counts.channels;
  print(screen, 'Statistics, final', [
    ['planned sends', now.planned],
    ['  matching loss', now.losses, reasonsText(now.lossReasons)],
    ['  matched', now.matched],
    ['suppressed', now.suppressed],
    ['not sent', now.notSent],
    ['sent', now.sent],
    ['  success', now.success],
    ['  failures', now.failures, reasonsText(now.failureReasons)],
    ['  no feedback', now.noFeedback ?? 0, 'Android only: no receipt came'],
    ['deliveries', now.deliveries],
    ['impressions', now.impressions, percent(now.impressionRate)],
    ['opens', now.opens, `${percent(now.openRate)}, ${count(now.taps)} taps`],
    ['dismissals', now.dismissals, `${percent(now.dismissalRate)}, Android only`],
    ['late receipts', late, 'in no other number'],
    ['refused attempts', now.refusedAttempts, 'tried again, counted apart'],
  ]);
  printRepeated(screen, finished);
  print(screen, 'What the simulated push services counted', [
    ['requests', counts.requests],
    ['messages taken', counts.processed, `${count(apns.processed)} iOS, ${count(fcm.processed)} Android`],
    ['  taken twice', counts.duplicates],
    ['devices reached', counts.distinctDevices, `${count(team.size)} of them by each push to the team`],
    ['refused by APNs', sum(apns.refused), reasonsText(apns.refused)],
    ['refused by FCM', sum(fcm.refused), reasonsText(fcm.refused)],
  ]);
  print(screen, 'What the simulated devices reported', [
    ['receipts', sum(answers.expected), reasonsText(answers.actual)],
    ['Android deliveries', figures.delivered],
    ['impressions', figures.impressions],
    ['opens', figures.opens, `${count(figures.taps)} taps`],
    ['dismissals', figures.dismissals],
  ]);
}

/** Their windows may still be open: these are live. */
function printRepeated(screen: Screen, { repeated }: Finished): void {
  const rows = repeated.tasks.flatMap(({ pushes, pushType }) =>
    pushes.map(({ id, statistics: { statistics: now } }): Row => {
      const figures = `${count(now.deliveries)} delivered, ${count(now.impressions)} shown, ${count(now.opens)} opened`;
      return [id, now.sent, `${pushType}: ${figures}`];
    }),
  );
  print(screen, 'Sent by the pushes of the recurring and the manual task, and so far', rows);
}

function print(screen: Screen, title: string, rows: readonly Row[]): void {
  screen.say(`\n${title}`);
  for (const [label, value, note = ''] of rows) {
    screen.say(`  ${label.padEnd(20)}${count(value).padStart(10)}   ${note}`.trimEnd());
  }
}

function reasonsText(reasons: Readonly<Record<string, number>>): string {
  const most = Object.entries(reasons).toSorted(([, a], [, b]) => b - a);
  return most
    .filter(([, value]) => value > 0)
    .map(([reason, value]) => `${reason} ${count(value)}`)
    .join(', ');
}

function sum(values: Readonly<Record<string, number>>): number {
  return Object.values(values).reduce((total, value) => total + value, 0);
}
