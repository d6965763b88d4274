import type { ActivityDeps } from './deps.ts';
import { createHousekeeping, type HousekeepingActivities } from './housekeeping.ts';
import { createOccurrenceActivities, type OccurrenceActivities } from './occurrence-activities.ts';
import { createPushActivities, type PushActivities } from './push-activities.ts';
import { createTaskActivities, type TaskActivities } from './task-activities.ts';
import { createTriggerActivities, type TriggerActivities } from './trigger-activities.ts';

/** The activities of the workflows' own task queue. */
export type Activities = TaskActivities &
  PushActivities &
  HousekeepingActivities &
  OccurrenceActivities &
  TriggerActivities;

export function createActivities(deps: ActivityDeps): Activities {
  return {
    ...createTaskActivities(deps),
    ...createPushActivities(deps),
    ...createHousekeeping(deps),
    ...createOccurrenceActivities(deps),
    ...createTriggerActivities(deps),
  };
}
