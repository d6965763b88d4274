import { setTimeout as sleep } from 'node:timers/promises';
import { ActionAnswer } from '../../api/action-answer.ts';
import type { DeviceSimulator } from '../devices/device-simulator.ts';
import { type PushAnswer, TaskAnswer } from './release.ts';
import { count, type Screen } from './screen.ts';
import type { Stage } from './stage.ts';
import type { Team } from './team.ts';

export interface PauseFigures {
  readonly pauseAckMs: number;
  readonly requestsAfterAck: number;
}

export interface Sending {
  readonly stage: Stage;
  readonly screen: Screen;
  readonly devices: DeviceSimulator;
  /** Gets pushes of its own meanwhile. */
  readonly team: Team;
  readonly taskId: string;
  readonly pushAt: Date;
}

const POLL_MS = 150;
const PAUSE_AT_SHARE = 0.4;
const PAUSED_MS = 1_500;
/** With all senders alive, 99 times of 100. */
const PROMISED_ACK_MS = 1_000;
const START_WITHIN_MS = 60_000;
/** Receipts that are under way at the end of the window would be late. */
const LAST_RECEIPTS_MS = 1_500;

/** Watches the push from its time on, pauses and resumes it in the middle, and returns it when all is sent. */
export async function sendWithPause(sending: Sending): Promise<{ push: PushAnswer; pause: PauseFigures }> {
  const { screen, pushAt } = sending;
  await countDown(sending);
  const deadline = performance.now() + START_WITHIN_MS;
  for (;;) {
    const push = await look(sending);
    if (push === null && performance.now() > deadline) throw new Error('The push did not start in time');
    if (push !== null && shareOf(push) >= PAUSE_AT_SHARE) break;
    if (push !== null && !isUnderWay(push)) throw new Error(`The push is ${push.status} before the pause`);
    await sleep(POLL_MS);
  }
  const pause = await pauseAndResume(sending);
  for (;;) {
    const push = await look(sending);
    if (push !== null && !isUnderWay(push)) {
      const { sent } = push.statistics.statistics;
      const lateBy = push.startedAt === null ? 0 : push.startedAt.getTime() - pushAt.getTime();
      screen.step(`All sent: ${count(sent)} devices. The first request started ${lateBy} ms after its time`);
      return { push, pause };
    }
    await sleep(POLL_MS);
  }
}

async function countDown({ screen, pushAt }: Sending): Promise<void> {
  for (let left = pushAt.getTime() - Date.now(); left > 0; left = pushAt.getTime() - Date.now()) {
    screen.progress(0, `waiting for the push time: ${(left / 1000).toFixed(1)} s`);
    await sleep(Math.min(left, POLL_MS));
  }
  screen.step('The push time has come');
}

async function look({ stage, screen, devices, taskId }: Sending): Promise<PushAnswer | null> {
  const { latestPush: push } = await stage.marketer.get(`/v1/tasks/${taskId}`, TaskAnswer);
  if (push === null) return null;
  if (push.windowEndsAt !== null) devices.reportUntil(push.windowEndsAt.getTime() - LAST_RECEIPTS_MS);
  if (push.status !== 'preparing') screen.progress(shareOf(push), `${push.status}: ${figuresText(push)}`);
  return push;
}

export function figuresText({ statistics: { statistics: now } }: PushAnswer): string {
  return (
    `${count(now.sent)} of ${count(now.matched)} sent, ${count(now.deliveries)} delivered, ` +
    `${count(now.impressions)} shown, ${count(now.opens)} opened`
  );
}

function shareOf({ statistics: { statistics: now } }: PushAnswer): number {
  return now.matched === 0 ? 0 : now.sent / now.matched;
}

function isUnderWay({ status }: PushAnswer): boolean {
  return status === 'preparing' || status === 'sending' || status === 'paused';
}

async function pauseAndResume({ stage, screen, taskId, team }: Sending): Promise<PauseFigures> {
  const askedAt = performance.now();
  const answer = await stage.operator.post(`/v1/tasks/${taskId}/pause`, undefined, ActionAnswer);
  const acknowledgedAt = Date.now();
  const pauseAckMs = Math.round(performance.now() - askedAt);
  if (answer.pending) throw new Error(`The pause was not acknowledged: ${answer.detail ?? ''}`);
  const inFlight = answer.pushes.reduce((sum, push) => sum + push.inFlight, 0);
  const slow = pauseAckMs > PROMISED_ACK_MS ? ' (more than the second that is promised)' : '';
  screen.step(
    `Paused: acknowledged after ${pauseAckMs} ms${slow}, ${inFlight} requests without an answer yet`,
  );
  await sleep(PAUSED_MS);
  const all = await stage.simulators.control.requestsSince(acknowledgedAt);
  const requestsAfterAck = all - (await team.requestsBetween(acknowledgedAt, Date.now()));
  screen.step(`Requests of it that started in the ${PAUSED_MS} ms since: ${requestsAfterAck}`);
  await stage.marketer.post(`/v1/tasks/${taskId}/resume`, undefined, ActionAnswer);
  screen.step('Resumed');
  return { pauseAckMs, requestsAfterAck };
}
