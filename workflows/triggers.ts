import { continueAsNew } from '@temporalio/workflow';
import { bulk } from './activities.ts';

const ROUNDS = 200;

/** Enters the users of events into trigger tasks, for all of them: one activity at a time that looks again and again. */
export async function triggers(input: { readonly everyMs: number; readonly forMs: number }): Promise<void> {
  for (let round = 0; round < ROUNDS; round++) await bulk('watch for events').runTriggers(input);
  await continueAsNew<typeof triggers>(input);
}
