import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { insertAct } from '../db/task-history.ts';
import { insertTask } from '../db/tasks.ts';
import { newId } from '../domain/ids.ts';
import type { TaskDefinition } from '../domain/task-definition.ts';
import type { ApiDeps } from './deps.ts';
import { Label } from './schemas.ts';

export const TaskName = Label(200);
/** '' takes the task out of its folder. */
export const Subgroup = z.union([z.literal(''), Label(100)]);

/** A new task and the line of its history that says who made it. */
export async function createDraft(
  deps: ApiDeps,
  draft: {
    readonly appId: string;
    readonly personId: string;
    readonly name: string;
    readonly subgroup: string;
    readonly ratePerSecond: number | null;
    readonly definition: TaskDefinition;
    readonly verb: 'create' | 'copy';
    readonly detail?: string;
  },
): Promise<string> {
  const { personId, verb, detail, ...task } = draft;
  const id = newId('task', randomBytes);
  const now = await deps.clock();
  await deps.db.transaction().execute(async (trx) => {
    await insertTask(trx, { ...task, id, creator: personId, now });
    const act = { appId: draft.appId, taskId: id, personId, verb, revision: 1, now };
    await insertAct(trx, detail === undefined ? act : { ...act, detail });
  });
  return id;
}
