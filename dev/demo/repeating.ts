import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { ActionAnswer } from '../../api/action-answer.ts';
import { PushBody } from '../../api/push-view.ts';
import { type PushAnswer, TaskAnswer } from './release.ts';
import { count, type Screen } from './screen.ts';
import type { Stage } from './stage.ts';
import type { Team } from './team.ts';

/** Tasks of many pushes, for the team. */
export interface Repeating {
  readonly manualId: string;
  readonly recurringId: string;
  /** When the Schedule has to start its push. */
  readonly dueAt: Date;
}

export interface TaskOutcome {
  readonly taskId: string;
  readonly status: string;
  readonly pushType: 'manual' | 'recurring';
  /** The push history, oldest first. */
  readonly pushes: readonly PushAnswer[];
}

export interface RepeatingOutcome {
  readonly dueAt: Date;
  readonly tasks: readonly TaskOutcome[];
}

const Created = z.object({ id: z.string() });
const History = z.object({ items: z.array(PushBody) });

/** From a submit to a Schedule that waits. */
const ARMED_IN_MS = 5_000;
const MINUTE_MS = 60_000;
export const SENDS = 2;
const STARTED_WITHIN_MS = 30_000;
const POLL_MS = 250;

/** A task that a Schedule pushes when the next minute begins, and one that a marketer pushes twice by hand. */
export async function startRepeating(stage: Stage, team: Team, screen: Screen): Promise<Repeating> {
  const dueAt = new Date(Math.ceil((Date.now() + ARMED_IN_MS) / MINUTE_MS) * MINUTE_MS);
  const at = dueAt.toISOString().slice(11, 16);
  const recurringId = await release(stage, team, 'Good morning', {
    pushType: 'recurring',
    recurrence: { rule: { every: 'day', at }, timeZone: 'UTC', count: 1 },
  });
  screen.step(`Approved ${recurringId}, recurring: each day at ${at} UTC, once`);
  const manualId = await release(stage, team, 'Flash sale', { pushType: 'manual' });
  for (let no = 1; no <= SENDS; no++) {
    const { status } = await stage.marketer.post(`/v1/tasks/${manualId}/send`, undefined, ActionAnswer);
    screen.step(`Send of ${manualId}, manual, no. ${no}: ${status}`);
  }
  return { manualId, recurringId, dueAt };
}

async function release(stage: Stage, team: Team, name: string, timing: object): Promise<string> {
  const { marketer, approver } = stage;
  const { id } = await marketer.post(
    '/v1/tasks',
    { name, audience: { id: team.audienceId }, content: { title: name, body: 'Only for you' }, ...timing },
    Created,
  );
  await marketer.post(`/v1/tasks/${id}/submit`, undefined, ActionAnswer);
  const { status } = await approver.post(`/v1/tasks/${id}/approve`, { revision: 1 }, ActionAnswer);
  if (status !== 'scheduled') throw new Error(`${id} is ${status} after its approval`);
  return id;
}

/** Once every push of these tasks is sent and all its receipts are in. */
export async function finishRepeating(
  stage: Stage,
  { manualId, recurringId, dueAt }: Repeating,
  team: Team,
  screen: Screen,
): Promise<RepeatingOutcome> {
  const manual = await sentOf(stage, manualId, SENDS, Date.now());
  screen.step(`The push history of ${manualId}: ${manual.map(textOf).join('; ')}`);
  for (let left = dueAt.getTime() - Date.now(); left > 0; left = dueAt.getTime() - Date.now()) {
    screen.progress(0, `waiting for the Schedule of ${recurringId}: ${(left / 1000).toFixed(0)} s`);
    await sleep(Math.min(left, POLL_MS));
  }
  const recurring = await sentOf(stage, recurringId, 1, dueAt.getTime());
  screen.step(`The push history of ${recurringId}: ${recurring.map(textOf).join('; ')}`);
  await team.devices.settled();
  const outcome = async (taskId: string, pushType: 'manual' | 'recurring'): Promise<TaskOutcome> => {
    const status = await restOf(stage, taskId);
    return { taskId, status, pushType, pushes: await historyOf(stage, taskId) };
  };
  return { dueAt, tasks: [await outcome(manualId, 'manual'), await outcome(recurringId, 'recurring')] };
}

async function sentOf(stage: Stage, taskId: string, pushes: number, dueMs: number): Promise<PushAnswer[]> {
  for (;;) {
    const history = await historyOf(stage, taskId);
    if (history.length >= pushes && history.every(isSent)) return history;
    if (Date.now() - dueMs > STARTED_WITHIN_MS) {
      throw new Error(`${taskId} was to push ${pushes} times: ${history.map(textOf).join('; ')}`);
    }
    await sleep(POLL_MS);
  }
}

/** The status of a task none of whose pushes is sent any more. */
async function restOf({ marketer }: Stage, taskId: string): Promise<string> {
  const from = Date.now();
  for (;;) {
    const { status } = await marketer.get(`/v1/tasks/${taskId}`, TaskAnswer);
    if (status !== 'sending' || Date.now() - from > STARTED_WITHIN_MS) return status;
    await sleep(POLL_MS);
  }
}

async function historyOf({ marketer }: Stage, taskId: string): Promise<PushAnswer[]> {
  const { items } = await marketer.get(`/v1/tasks/${taskId}/pushes`, History);
  return items.toSorted((a, b) => a.seq - b.seq);
}

function isSent({ status }: PushAnswer): boolean {
  return status === 'collecting' || status === 'completed';
}

function textOf({ id, startedAt, status, statistics: { statistics: now } }: PushAnswer): string {
  const since = startedAt === null ? '' : ` since ${startedAt.toISOString().slice(11, 23)}`;
  return `${id} ${status}${since}, ${count(now.sent)} of ${count(now.matched)} sent`;
}
