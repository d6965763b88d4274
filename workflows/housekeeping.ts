import { continueAsNew, sleep } from '@temporalio/workflow';
import { bulk } from './activities.ts';
import type { HousekeepingInput } from './contract.ts';

/** Looks after what no other workflow does, one run at a time for all workers. */
export async function housekeeping(input: HousekeepingInput): Promise<void> {
  let { after } = input;
  for (let round = 0; round < 100; round++) {
    ({ next: after } = await bulk('keep house').keepHouse({ graceMs: input.graceMs, after }));
    await sleep(input.everyMs, { summary: 'until the next round' });
  }
  await continueAsNew<typeof housekeeping>({ ...input, after });
}
