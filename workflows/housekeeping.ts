import { continueAsNew, sleep } from '@temporalio/workflow';
import type { HousekeepingInput } from '../domain/workflows/contract.ts';
import { bulk } from './activities.ts';

const ROUNDS = 100;

/** One execution for all workers does the work that no other workflow does. */
export async function housekeeping(input: HousekeepingInput): Promise<void> {
  let { after } = input;
  for (let round = 0; round < ROUNDS; round++) {
    const sweep = bulk('sweep orphaned tasks, pushes and partitions');
    ({ next: after } = await sweep.sweepOrphans({ graceMs: input.graceMs, after }));
    await sleep(input.everyMs, { summary: 'await the next sweep' });
  }
  await continueAsNew<typeof housekeeping>({ ...input, after });
}
