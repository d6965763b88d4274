import { z } from 'zod';
import { subCampaignsOf } from '../../db/tasks/sub-campaigns.ts';
import type { TaskWithDefinition } from '../../db/tasks/tasks.ts';
import { changesOf } from '../../domain/tasks/task-changes.ts';
import type { TaskDefinition } from '../../domain/tasks/task-definition.ts';
import type { ApiDeps } from '../http/deps.ts';
import { TaskBody } from './task-view.ts';

/** A JSON pointer with the values before and after the change. A side without a value is left out. */
export const Change = z
  .object({
    path: z.string(),
    old: z.unknown().optional(),
    new: z.unknown().optional(),
    material: z.boolean(),
  })
  .meta({ id: 'TaskChange' });

export const EditedTask = TaskBody.extend({
  /** The changes of this edit. A material change makes a revision. */
  changes: z.array(Change),
}).meta({ id: 'EditedTask' });

export interface NewLabels {
  readonly name?: string | undefined;
  readonly subgroupId?: string | null | undefined;
  readonly subCampaignIds?: readonly string[] | undefined;
  readonly ratePerSecond?: number | null | undefined;
}

/** The changes that an edit will make, to be computed before the edit is applied. */
export async function changesOfEdit(
  deps: ApiDeps,
  task: TaskWithDefinition,
  labels: NewLabels,
  definition: TaskDefinition | undefined,
): Promise<z.infer<typeof Change>[]> {
  const { name, subgroupId, ratePerSecond } = task;
  const campaigns =
    labels.subCampaignIds === undefined
      ? []
      : ((await subCampaignsOf(deps.db, [task.id])).get(task.id) ?? []);
  const before = { name, subgroupId, ratePerSecond, subCampaignIds: campaigns.map(({ id }) => id).sort() };
  const given = Object.entries(labels).filter(([, value]) => value !== undefined);
  const ids = labels.subCampaignIds;
  const after = {
    ...before,
    ...Object.fromEntries(given),
    ...(ids === undefined ? {} : { subCampaignIds: [...new Set(ids)].sort() }),
  };
  return changesOf({ ...before, ...task.definition }, { ...after, ...(definition ?? task.definition) });
}
