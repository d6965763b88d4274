import { setTimeout as sleep } from 'node:timers/promises';
import type { PushBody } from '../../api/pushes/push-view.ts';
import { ActionAnswer } from '../../api/tasks/action-answer.ts';
import type { DeviceSimulator } from '../devices/device-simulator.ts';
import type { Environment } from './environment.ts';
import { count } from './output.ts';
import { poll } from './poll.ts';
import { TaskAnswer } from './tasks.ts';

export interface PauseFigures {
  readonly pauseAckMs: number;
  readonly requestsAfterAck: number;
}

const PAUSE_AT_SHARE = 0.4;
const PAUSED_MS = 1_500;
/** Receipts that arrive after the end of the window would be late. */
const LAST_RECEIPTS_MS = 1_500;

/** Watches the push, pauses and resumes it in the middle, and returns it when all is sent. */
export async function sendWithPause(
  environment: Environment,
  devices: DeviceSimulator,
  taskId: string,
  withinMs: number,
): Promise<{ push: PushBody; pause: PauseFigures }> {
  const look = () => latestPush(environment, devices, taskId);
  const before = await poll('the middle of the push', withinMs, async () => {
    const push = await look();
    if (push !== null && isSent(push)) throw new Error(`The push is ${push.status} before the pause`);
    return push !== null && shareOf(push) >= PAUSE_AT_SHARE ? push : undefined;
  });
  const pause = await pauseAndResume(environment, devices, taskId, before);
  const push = await poll('the end of sending', withinMs, async () => {
    const latest = await look();
    return latest !== null && isSent(latest) ? latest : undefined;
  });
  environment.output.step(`All sent: ${count(push.statistics.statistics.sent)} devices`);
  return { push, pause };
}

async function latestPush(
  { marketer, output }: Environment,
  devices: DeviceSimulator,
  taskId: string,
): Promise<PushBody | null> {
  const { latestPush: push } = await marketer.get(`/v1/tasks/${taskId}`, TaskAnswer);
  if (push === null) return null;
  if (push.windowEndsAt !== null) devices.reportUntil(push.windowEndsAt.getTime() - LAST_RECEIPTS_MS);
  output.progress(`${push.status}: ${sentText(push)}`);
  return push;
}

export function isSent({ status }: PushBody): boolean {
  return status !== 'preparing' && status !== 'sending' && status !== 'paused';
}

export function sentText({ statistics: { statistics: now } }: PushBody): string {
  return `${count(now.sent)} of ${count(now.matched)} sent, ${count(now.deliveries)} delivered, ${count(now.opens)} opened`;
}

function shareOf({ statistics: { statistics: now } }: PushBody): number {
  return now.matched === 0 ? 0 : now.sent / now.matched;
}

async function pauseAndResume(
  { marketer, operator, output }: Environment,
  devices: DeviceSimulator,
  taskId: string,
  before: PushBody,
): Promise<PauseFigures> {
  const askedAt = performance.now();
  const answer = await operator.post(`/v1/tasks/${taskId}/pause`, undefined, ActionAnswer);
  const acknowledgedAt = Date.now();
  const pauseAckMs = Math.round(performance.now() - askedAt);
  if (answer.pending) throw new Error(`The pause was not acknowledged: ${answer.detail ?? ''}`);
  await sleep(PAUSED_MS);
  const requestsAfterAck = await devices.requestsSince(acknowledgedAt);
  output.detail(`Before the pause: ${sentText(before)}`);
  output.step(
    `Paused, acknowledged after ${pauseAckMs} ms; ${requestsAfterAck} requests started in the ${PAUSED_MS} ms after that; resumed`,
  );
  await marketer.post(`/v1/tasks/${taskId}/resume`, undefined, ActionAnswer);
  return { pauseAckMs, requestsAfterAck };
}
