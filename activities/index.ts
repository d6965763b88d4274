import type { ActivityDeps } from './deps.ts';
import { createHousekeeping, type HousekeepingActivities } from './housekeeping.ts';
import { createPushActivities, type PushActivities } from './push-activities.ts';
import { createRunActivities, type RunActivities } from './run-activities.ts';
import { createTaskActivities, type TaskActivities } from './task-activities.ts';
import { createTriggerActivities, type TriggerActivities } from './trigger-activities.ts';

/** What runs on the workflows' own task queue. */
export type Activities = TaskActivities &
  PushActivities &
  HousekeepingActivities &
  RunActivities &
  TriggerActivities;

export function createActivities(deps: ActivityDeps): Activities {
  return {
    ...createTaskActivities(deps),
    ...createPushActivities(deps),
    ...createHousekeeping(deps),
    ...createRunActivities(deps),
    ...createTriggerActivities(deps),
  };
}
