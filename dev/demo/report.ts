import { count, type Output, reasonsText } from './output.ts';
import type { Finished } from './reconciliation.ts';

/** The statistics as the engine froze them, beside the counts of the simulators. */
export function printReport(output: Output, { outcome, counts, devices, tasks }: Finished): void {
  const { statistics: now } = outcome.answer;
  const { figures, answers } = devices;
  const { apns, fcm } = counts.channels;
  output.say();
  print(output, 'planned', now.planned, `${count(now.matched)} matched, ${count(now.losses)} unreachable`);
  output.detail(`unreachable: ${reasonsText(now.lossReasons)}`);
  const sent = `${count(now.success)} success, ${count(now.failures)} failures, ${count(now.noFeedback)} no feedback`;
  print(output, 'sent', now.sent, sent);
  output.detail(`failures: ${reasonsText(now.failureReasons)}; attempts repeated: ${now.refusedAttempts}`);
  const reported = `${count(now.impressions)} impressions, ${count(now.opens)} opens, ${count(now.dismissals)} dismissals`;
  print(output, 'delivered', now.deliveries, reported);
  const taken = `${count(apns.processed)} APNs, ${count(fcm.processed)} FCM, ${count(counts.duplicates)} taken twice`;
  print(output, 'simulators', counts.processed, `messages taken: ${taken}`);
  output.detail(`refused by APNs: ${reasonsText(apns.refused)}`);
  output.detail(`refused by FCM: ${reasonsText(fcm.refused)}`);
  const opened = `${count(figures.impressions)} impressions, ${count(figures.opens)} opens`;
  print(
    output,
    'devices',
    answers.actual.accepted,
    `receipts accepted: ${opened}, ${count(figures.dismissals)} dismissals`,
  );
  output.detail(`answers to receipts: ${reasonsText(answers.actual)}`);
  for (const { id, statistics } of tasks.flatMap((task) => task.pushes)) {
    const { sent: devicesSent, deliveries, impressions, opens } = statistics.statistics;
    output.detail(
      `${id}: ${devicesSent} sent, ${deliveries} delivered, ${impressions} impressions, ${opens} opens`,
    );
  }
  output.say();
}

function print(output: Output, label: string, value: number, parts: string): void {
  output.say(`  ${label.padEnd(11)}${count(value).padStart(9)}  ${parts}`);
}
