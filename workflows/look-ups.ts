import type { ActivityInterfaceFor } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import { local, quick } from './activities.ts';
import type { TaskRun } from './task-run.ts';

/** As this run's history has them: those of before have an activity for each. */
export function lookUps({ input }: TaskRun, summary: string): ActivityInterfaceFor<Activities> {
  return input.at === undefined ? quick(summary) : local(summary);
}
