import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { z } from 'zod';
import { PushBody } from '../../api/pushes/push-view.ts';
import { ActionAnswer } from '../../api/tasks/action-answer.ts';
import type { Environment } from './environment.ts';
import { poll } from './poll.ts';

export const TaskAnswer = z.object({ status: z.string(), latestPush: PushBody.nullable() });

const Created = z.object({ id: z.string() });
const Code = z.object({ command: z.string() });
const Decisions = z.object({ items: z.array(z.object({ personName: z.string(), via: z.string() })) });

const APPROVED_WITHIN_MS = 20_000;

/** Creates and submits a task; returns its ID. */
export async function submitTask({ marketer }: Environment, task: object): Promise<string> {
  const { id } = await marketer.post('/v1/tasks', task, Created);
  await marketer.post(`/v1/tasks/${id}/submit`, undefined, ActionAnswer);
  return id;
}

/** Runs the command that the API shows to the approver, unchanged. Returns the approver's name. */
export async function approveBySignal(environment: Environment, taskId: string): Promise<string> {
  const { approver, output, stack } = environment;
  const { command } = await approver.get(`/v1/tasks/${taskId}/approval-code`, Code);
  output.detail(`The approver runs: ${command}`);
  const script = `temporal() { "$TEMPORAL_CLI" "$@"; }\n${command}`;
  const env = { ...process.env, TEMPORAL_CLI: stack.temporalCli, TEMPORAL_ADDRESS: stack.temporalAddress };
  await promisify(execFile)('sh', ['-c', script], { env });
  return poll(`approval of ${taskId} by signal`, APPROVED_WITHIN_MS, async () => {
    const { items } = await approver.get(`/v1/tasks/${taskId}/decisions`, Decisions);
    return items.find(({ via }) => via === 'signal')?.personName;
  });
}
