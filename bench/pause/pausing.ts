import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../../dev/devices/random.ts';
import type { RunningSimulators } from '../../dev/simulators/start.ts';
import { requestsOf } from '../lib/requests.ts';
import type { Desk } from '../lib/tasks.ts';

/** Moments on the machine's monotonic clock, as in the simulators' log. */
export interface Pausing {
  readonly ackMs: number;
  readonly inFlight: number;
  readonly acknowledgedAt: number;
  readonly resumedAt: number;
}

const PAUSED = { min: 100, spread: 400 };
const ACKNOWLEDGE_LIMIT_MS = 20_000;

function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/**
 * Returns undefined when the push had ended before the call, or had only answers to wait for. `meanwhile`
 * runs between acknowledgement and resume.
 */
export async function pauseAndResume(
  desk: Desk,
  taskId: string,
  meanwhile: () => Promise<unknown>,
): Promise<Pausing | undefined> {
  const calledAt = monotonicMs();
  const answer = await unlessOver(desk.pause(taskId), /: 409 /);
  if (answer === undefined) return undefined;
  const acknowledgedAt = monotonicMs();
  if (answer.pending || acknowledgedAt - calledAt > ACKNOWLEDGE_LIMIT_MS) {
    throw new Error(`a pause was taken and not acknowledged: ${JSON.stringify(answer)}`);
  }
  await meanwhile();
  const resumedAt = monotonicMs();
  if ((await unlessOver(desk.resume(taskId), /: 409 .*collecting/)) === undefined) return undefined;
  const inFlight = answer.pushes.reduce((sum, push) => sum + push.inFlight, 0);
  return { ackMs: acknowledgedAt - calledAt, inFlight, acknowledgedAt, resumedAt };
}

async function unlessOver<T>(request: Promise<T>, isOver: RegExp): Promise<T | undefined> {
  return await request.catch((error: Error) => {
    if (isOver.test(error.message)) return undefined;
    throw error;
  });
}

export function aMoment(random: Random): () => Promise<void> {
  return () => sleep(PAUSED.min + random.below(PAUSED.spread));
}

/** Requests whose headers reached a simulator after an acknowledgement and before the resume was called. */
export async function startedWhilePaused(
  simulators: RunningSimulators,
  pausings: readonly Pausing[],
): Promise<number> {
  let started = 0;
  for await (const { mono } of requestsOf(simulators)) {
    if (pausings.some(({ acknowledgedAt, resumedAt }) => mono > acknowledgedAt && mono < resumedAt))
      started++;
  }
  return started;
}
