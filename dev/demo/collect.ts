import { z } from 'zod';
import { PushBody } from '../../api/pushes/push-view.ts';
import { StatisticsBody } from '../../api/pushes/statistics-view.ts';
import type { DeviceSimulator } from '../devices/device-simulator.ts';
import type { Environment } from './environment.ts';
import { count } from './output.ts';
import { poll } from './poll.ts';
import { sentText } from './send.ts';

export interface Outcome {
  readonly push: PushBody;
  readonly answer: z.infer<typeof StatisticsBody>;
  readonly generatedAudience: number;
}

const Members = z.object({ members: z.int() });

const FINAL_WITHIN_MS = 30_000;
const LATE_RECEIPTS = 25;

/**
 * From the last request to the frozen statistics: receipts, an audience of their senders, the end of the
 * window.
 */
export async function collect(
  { marketer, output }: Environment,
  devices: DeviceSimulator,
  sent: PushBody,
): Promise<Outcome> {
  const path = `/v1/pushes/${sent.id}`;
  await devices.settled();
  const filter = { name: 'Opened the autumn sale', filter: { open: true } };
  const { members } = await marketer.post(`${path}/audience`, filter, Members);
  output.step(`All receipts are in; the ${count(members)} devices that opened are a new audience`);

  const windowMs = (sent.windowEndsAt?.getTime() ?? Date.now()) - Date.now();
  const push = await poll('final statistics', windowMs + FINAL_WITHIN_MS, async () => {
    const latest = await marketer.get(path, PushBody);
    const leftMs = (latest.windowEndsAt?.getTime() ?? Date.now()) - Date.now();
    output.progress(`window: ${Math.max(0, leftMs / 1000).toFixed(0)} s left; ${sentText(latest)}`);
    return latest.status === 'completed' && latest.statistics.final ? latest : undefined;
  });
  await devices.reportLate(LATE_RECEIPTS);
  const answer = await marketer.get(`${path}/statistics`, StatisticsBody);
  output.step(
    `The receipt window has ended: statistics are final; ${answer.late} late receipts counted apart`,
  );
  return { push, answer, generatedAudience: members };
}
