import { continueAsNew } from '@temporalio/workflow';
import type { TriggersInput } from '../domain/workflows/contract.ts';
import { bulk } from './activities.ts';

const ROUNDS = 200;

/** One execution adds users of events to all trigger tasks, so that a single activity polls at a time. */
export async function triggers(input: TriggersInput): Promise<void> {
  for (let round = 0; round < ROUNDS; round++) {
    await bulk('add users of new events to trigger tasks').runTriggers(input);
  }
  await continueAsNew<typeof triggers>(input);
}
