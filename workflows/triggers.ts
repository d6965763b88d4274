import { continueAsNew } from '@temporalio/workflow';
import type { TriggersInput } from '../domain/workflows/contract.ts';
import { bulk } from './activities.ts';

const ROUNDS = 200;

/** One execution enters the users of events into all trigger tasks: a single activity polls at a time. */
export async function triggers(input: TriggersInput): Promise<void> {
  for (let round = 0; round < ROUNDS; round++) {
    await bulk('enter users of new events into trigger tasks').runTriggers(input);
  }
  await continueAsNew<typeof triggers>(input);
}
