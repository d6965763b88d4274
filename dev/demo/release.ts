import { execFile } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { z } from 'zod';
import { PushBody } from '../../api/push-view.ts';
import type { Plan } from './plan.ts';
import { count, type Screen } from './screen.ts';
import type { Stage } from './stage.ts';

export const TaskAnswer = z.object({ status: z.string(), latestPush: PushBody.nullable() });
export type PushAnswer = z.infer<typeof PushBody>;

const Created = z.object({ id: z.string() });
const Submitted = z.object({ status: z.string(), pending: z.boolean() });
const Code = z.object({ command: z.string() });
const Decisions = z.object({
  items: z.array(z.object({ personName: z.string(), via: z.string(), decision: z.string() })),
});

const PUSH_IN_MS = 5_000;
const APPROVED_WITHIN_MS = 20_000;
const POLL_MS = 100;

/** Creates a task, submits it, and has the approver release it by Temporal's own CLI. */
export async function releaseTask(
  stage: Stage,
  { ratePerSecond }: Plan,
  audienceId: string,
  screen: Screen,
): Promise<{ taskId: string; pushAt: Date }> {
  const { marketer, approver } = stage;
  const pushAt = new Date(Date.now() + PUSH_IN_MS);
  const { id } = await marketer.post(
    '/v1/tasks',
    {
      name: 'Autumn sale',
      pushType: 'single',
      pushAt: pushAt.toISOString(),
      audience: { id: audienceId },
      content: { title: 'Autumn sale', body: 'Only today: 30 % off', deepLink: 'shop://sale' },
      ratePerSecond,
    },
    Created,
  );
  const submitted = await marketer.post(`/v1/tasks/${id}/submit`, undefined, Submitted);
  screen.step(`Created and submitted ${id}, to be pushed at ${pushAt.toISOString()}: ${submitted.status}`);
  const { command } = await approver.get(`/v1/tasks/${id}/approval-code`, Code);
  screen.step(`The approver runs: ${command}`);
  await runTemporal(stage, command);
  await waitForApproval(stage, id);
  const { items } = await approver.get(`/v1/tasks/${id}/decisions`, Decisions);
  const [decision] = items;
  if (decision?.via !== 'signal') throw new Error(`No approval by signal: ${JSON.stringify(items)}`);
  screen.step(
    `Approved by ${decision.personName} through a Temporal signal; at most ${count(ratePerSecond)} a second`,
  );
  return { taskId: id, pushAt };
}

/** The very text that the API gave to the approver, with the CLI and the server that the stack runs. */
async function runTemporal({ stack }: Stage, command: string): Promise<void> {
  const script = `temporal() { "$TEMPORAL_CLI" "$@"; }\n${command}`;
  const env = { ...process.env, TEMPORAL_CLI: stack.temporalCli, TEMPORAL_ADDRESS: stack.temporalAddress };
  await promisify(execFile)('sh', ['-c', script], { env });
}

async function waitForApproval({ approver }: Stage, taskId: string): Promise<void> {
  const deadline = performance.now() + APPROVED_WITHIN_MS;
  for (;;) {
    const { status } = await approver.get(`/v1/tasks/${taskId}`, TaskAnswer);
    if (status !== 'pending_approval') return;
    if (performance.now() > deadline) throw new Error(`${taskId} was not approved by the signal`);
    await sleep(POLL_MS);
  }
}
