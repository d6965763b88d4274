import { randomBytes } from 'node:crypto';
import { insertAuditEntry, type Origin } from '../../db/audit/audit.ts';
import { holdSubgroup } from '../../db/tasks/subgroups.ts';
import { insertTask } from '../../db/tasks/tasks.ts';
import { newId } from '../../domain/ids.ts';
import type { TaskDefinition } from '../../domain/tasks/task-definition.ts';
import type { ApiDeps } from '../http/deps.ts';
import { placeTask } from './task-labels.ts';

/** Inserts a new task and the audit entry that names its maker. */
export async function createDraft(
  deps: ApiDeps,
  draft: {
    readonly appId: string;
    readonly personId: string;
    readonly name: string;
    readonly subgroupId: string | null;
    readonly subCampaignIds: readonly string[];
    readonly ratePerSecond: number | null;
    readonly definition: TaskDefinition;
    readonly origin: Origin;
    readonly action: 'create' | 'copy';
    readonly detail?: string;
  },
): Promise<string> {
  const { personId, action, detail, origin, subCampaignIds, ...task } = draft;
  const { appId, subgroupId } = task;
  const taskId = newId('task', randomBytes);
  const now = await deps.clock();
  await deps.db.transaction().execute(async (trx) => {
    const isThere = subgroupId !== null && (await holdSubgroup(trx, { appId, id: subgroupId }));
    const folder = isThere ? subgroupId : null;
    await insertTask(trx, { ...task, subgroupId: folder, id: taskId, creator: personId, now });
    const links = subCampaignIds.length === 0 ? undefined : subCampaignIds;
    await placeTask(trx, { appId, taskId, subgroupId: isThere ? null : subgroupId, subCampaignIds: links });
    await insertAuditEntry(trx, { appId, taskId, personId, action, revision: 1, detail, origin, now });
  });
  return taskId;
}
