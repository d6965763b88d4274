import { z } from 'zod';
import { PushBody } from '../../api/pushes/push-view.ts';
import { ActionAnswer } from '../../api/tasks/action-answer.ts';
import type { Environment } from './environment.ts';
import { poll } from './poll.ts';
import { isSent } from './send.ts';
import { submitTask, TaskAnswer } from './tasks.ts';
import type { Team } from './team.ts';

/** A task of several pushes. */
export interface Repeating {
  readonly taskId: string;
  readonly pushType: 'manual' | 'recurring';
  readonly expectedPushes: number;
}

export interface RepeatingOutcome {
  readonly taskId: string;
  readonly status: string;
  readonly pushType: 'manual' | 'recurring';
  /** The push history, oldest first. */
  readonly pushes: readonly PushBody[];
}

const History = z.object({ items: z.array(PushBody) });

/** The longest time from a submit until its Schedule waits. */
const SCHEDULED_IN_MS = 5_000;
const MINUTE_MS = 60_000;
const SENDS = 2;
/** The Schedule starts its push at most a minute after the approval. */
const SENT_WITHIN_MS = 100_000;

/**
 * Releases a task that a marketer sends twice, and one that a Schedule pushes when the next minute begins.
 */
export async function startRepeating(environment: Environment, team: Team): Promise<Repeating[]> {
  const dueAt = new Date(Math.ceil((Date.now() + SCHEDULED_IN_MS) / MINUTE_MS) * MINUTE_MS);
  const at = dueAt.toISOString().slice(11, 16);
  const recurrence = { rule: { every: 'day', at }, timeZone: 'UTC', count: 1 };
  const recurringId = await release(environment, team, 'Good morning', { pushType: 'recurring', recurrence });
  const manualId = await release(environment, team, 'Flash sale', { pushType: 'manual' });
  for (let no = 1; no <= SENDS; no++) {
    await environment.marketer.post(`/v1/tasks/${manualId}/send`, undefined, ActionAnswer);
  }
  environment.output.step(
    `A manual task sent twice, a recurring one scheduled for ${at} UTC (${team.size} devices)`,
  );
  return [
    { taskId: manualId, pushType: 'manual', expectedPushes: SENDS },
    { taskId: recurringId, pushType: 'recurring', expectedPushes: 1 },
  ];
}

async function release(environment: Environment, team: Team, name: string, timing: object): Promise<string> {
  const content = { title: name, body: 'Only for you' };
  const id = await submitTask(environment, { name, audience: { id: team.audienceId }, content, ...timing });
  await environment.approver.post(`/v1/tasks/${id}/approve`, { revision: 1 }, ActionAnswer);
  return id;
}

/** Waits until every push of these tasks is sent and all its receipts are in. */
export async function finishRepeating(
  environment: Environment,
  team: Team,
  tasks: readonly Repeating[],
): Promise<RepeatingOutcome[]> {
  const { marketer, output } = environment;
  const outcomes: RepeatingOutcome[] = [];
  for (const { taskId, pushType, expectedPushes } of tasks) {
    output.progress(`waiting for the pushes of the ${pushType} task`);
    const status = await poll(`the pushes of ${taskId}`, SENT_WITHIN_MS, async () => {
      const task = await marketer.get(`/v1/tasks/${taskId}`, TaskAnswer);
      const history = await historyOf(environment, taskId);
      const isDone = history.length >= expectedPushes && history.every(isSent) && task.status !== 'sending';
      return isDone ? task.status : undefined;
    });
    await team.devices.settled();
    const pushes = await historyOf(environment, taskId);
    const starts = pushes.map(({ startedAt }) => startedAt?.toISOString().slice(11, 23));
    output.step(`The ${pushType} task was pushed at ${starts.join(' and ')} UTC`);
    outcomes.push({ taskId, status, pushType, pushes });
  }
  return outcomes;
}

async function historyOf({ marketer }: Environment, taskId: string): Promise<PushBody[]> {
  const { items } = await marketer.get(`/v1/tasks/${taskId}/pushes`, History);
  return items.toSorted((a, b) => a.seq - b.seq);
}
