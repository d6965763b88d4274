import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { PushBody } from '../../api/push-view.ts';
import { StatisticsBody } from '../../api/statistics-view.ts';
import type { Differences } from './differences.ts';
import type { PushAnswer } from './release.ts';
import { count } from './screen.ts';
import { figuresText, type Sending } from './sending.ts';

export interface Outcome {
  readonly push: PushAnswer;
  readonly answer: z.infer<typeof StatisticsBody>;
  readonly generatedAudience: number;
}

const Members = z.object({ id: z.string(), members: z.int() });

const POLL_MS = 250;
const FINAL_WITHIN_MS = 30_000;
const LATE_RECEIPTS = 25;
const GONE = 410;

/** From the last request to the frozen statistics: receipts, an audience of their senders, the end of the window. */
export async function collect(
  sending: Sending,
  sent: PushAnswer,
  differences: Differences,
): Promise<Outcome> {
  const { stage, screen, devices } = sending;
  const path = `/v1/pushes/${sent.id}`;
  const settled = { isDone: false };
  const settling = devices.settled().finally(() => {
    settled.isDone = true;
  });
  while (!settled.isDone) await look(sending, path);
  await settling;

  const filter = { name: 'Opened the autumn sale', filter: { open: true } };
  const { id, members } = await stage.marketer.post(`${path}/audience`, filter, Members);
  screen.step(`All receipts are in. Generated ${id}: ${count(members)} devices that opened`);
  differences.equal('devices in the generated audience', devices.figures.opens, members);

  const push = await waitForEnd(sending, path);
  screen.step(`The window has ended: the push is ${push.status}, its statistics are final`);
  const frozen = await stage.marketer.get(`${path}/statistics`, StatisticsBody);
  const details = await stage.marketer.status('GET', `${path}/deliveries`);
  const audience = await stage.marketer.status('POST', `${path}/audience`, filter);
  screen.step(`Device-level details now answer ${details}, another audience of them ${audience}`);
  differences.equal('status of the details after the window', GONE, details);
  differences.equal('status of an audience of them after the window', GONE, audience);

  await devices.reportLate(LATE_RECEIPTS);
  const answer = await stage.marketer.get(`${path}/statistics`, StatisticsBody);
  screen.step(`${answer.late} receipts that came too late are counted apart`);
  differences.equal('frozen statistics after late receipts', frozen.statistics, answer.statistics);
  return { push, answer, generatedAudience: members };
}

async function look({ stage, screen }: Sending, path: string): Promise<PushAnswer> {
  const push = await stage.marketer.get(path, PushBody);
  const leftMs = (push.windowEndsAt?.getTime() ?? Date.now()) - Date.now();
  const wholeMs = (push.windowEndsAt?.getTime() ?? 0) - (push.startedAt?.getTime() ?? 0);
  const left = Math.max(0, leftMs / 1000).toFixed(0);
  screen.progress(1 - Math.max(0, leftMs) / wholeMs, `window: ${left} s left; ${figuresText(push)}`);
  await sleep(POLL_MS);
  return push;
}

async function waitForEnd(sending: Sending, path: string): Promise<PushAnswer> {
  for (;;) {
    const push = await look(sending, path);
    if (push.status === 'completed' && push.statistics.final) return push;
    const endedMs = Date.now() - (push.windowEndsAt?.getTime() ?? Date.now());
    if (endedMs > FINAL_WITHIN_MS) throw new Error(`The push is still ${push.status} after its window`);
  }
}
