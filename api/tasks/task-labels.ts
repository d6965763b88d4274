import type { Transaction } from 'kysely';
import { z } from 'zod';
import { insertAuditEntry } from '../../db/audit/audit.ts';
import type { Db } from '../../db/core/database.ts';
import type { Schema } from '../../db/schema/schema.ts';
import { linkSubCampaigns, subCampaignsOf } from '../../db/tasks/sub-campaigns.ts';
import { holdSubgroup } from '../../db/tasks/subgroups.ts';
import { updateLabels } from '../../db/tasks/tasks.ts';
import type { ApiDeps } from '../http/deps.ts';
import { type Fault, Problem } from '../http/problem.ts';
import { Label } from '../http/schemas.ts';
import type { Edit } from './task-edit.ts';

export const TaskName = Label(200);
/** Null takes the task out of its folder. */
export const SubgroupId = z.string().max(100).nullable();
export const SubCampaignIds = z
  .array(z.string().max(100))
  .max(50)
  .transform((ids) => [...new Set(ids)]);

export interface Places {
  readonly subgroupId?: string | null | undefined;
  readonly subCampaignIds?: readonly string[] | undefined;
}

interface Labels extends Places {
  readonly name?: string | undefined;
}

/** Changes labels, at any time and without a revision, because labels are not material. */
export async function relabel(deps: ApiDeps, edit: Edit, given: Labels): Promise<void> {
  const { task, personId, origin, now } = edit;
  const { id: taskId, appId, revision } = task;
  const labels = await changesOf(deps.db, edit, given);
  if (Object.keys(labels).length === 0) return;
  await deps.db.transaction().execute(async (trx) => {
    await placeTask(trx, { appId, taskId, ...labels });
    await updateLabels(trx, { appId, taskId, labels, now });
    for (const [action, detail] of auditEntriesOf(labels)) {
      await insertAuditEntry(trx, { appId, taskId, personId, revision, action, detail, origin, now });
    }
  });
}

/**
 * Links the task's sub-campaigns and checks that its folder belongs to the app. Throws a problem that names
 * each fault.
 */
export async function placeTask(
  trx: Transaction<Schema>,
  { appId, taskId, subgroupId, subCampaignIds }: Places & { appId: string; taskId: string },
): Promise<void> {
  const faults: Fault[] = [];
  if (subgroupId != null && !(await holdSubgroup(trx, { appId, id: subgroupId }))) {
    faults.push({ pointer: '/subgroupId', detail: 'there is no such subgroup' });
  }
  if (subCampaignIds !== undefined) {
    const missing = await linkSubCampaigns(trx, { appId, taskId, ids: subCampaignIds });
    for (const id of missing) {
      const pointer = `/subCampaignIds/${subCampaignIds.indexOf(id)}`;
      faults.push({ pointer, detail: 'there is no such sub-campaign' });
    }
  }
  if (faults.length > 0) throw new Problem('invalid_request', 'The task is not valid', { errors: faults });
}

async function changesOf(
  db: Db,
  { task }: Edit,
  { name, subgroupId, subCampaignIds }: Labels,
): Promise<Labels> {
  const changes = {
    ...(name === undefined || name === task.name ? {} : { name }),
    ...(subgroupId === undefined || subgroupId === task.subgroupId ? {} : { subgroupId }),
  };
  if (subCampaignIds === undefined) return changes;
  const linked = (await subCampaignsOf(db, [task.id])).get(task.id) ?? [];
  const isSame =
    linked.length === subCampaignIds.length && linked.every(({ id }) => subCampaignIds.includes(id));
  return isSame ? changes : { ...changes, subCampaignIds };
}

function auditEntriesOf({ name, subgroupId, subCampaignIds }: Labels): [action: string, detail: string][] {
  return [
    ...(name === undefined ? [] : [['rename', name] as [string, string]]),
    ...(subgroupId === undefined ? [] : [['change_subgroup', subgroupId ?? 'none'] as [string, string]]),
    ...(subCampaignIds === undefined
      ? []
      : [['change_sub_campaigns', subCampaignIds.join(', ') || 'none'] as [string, string]]),
  ];
}
