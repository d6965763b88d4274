import { type RawBuilder, type Selectable, sql, type Transaction } from 'kysely';
import { pushTimeOf } from '../../domain/tasks/push-time.ts';
import type { TaskDefinition } from '../../domain/tasks/task-definition.ts';
import type { PushType, TaskStatus } from '../../domain/tasks/task-status.ts';
import { type Db, inTransaction } from '../core/database.ts';
import type { Schema } from '../schema/schema.ts';
import type { TasksTable } from '../schema/schema-tasks.ts';

export interface Task {
  readonly id: string;
  readonly appId: string;
  readonly name: string;
  /** The folder of the task. */
  readonly subgroupId: string | null;
  /** The newest revision in effect. An edit of a scheduled task takes effect when the workflow accepts it. */
  readonly revision: number;
  readonly approvedRevision: number | null;
  readonly submission: number;
  readonly status: TaskStatus;
  readonly statusReason: string | null;
  readonly inPush: boolean;
  readonly pushType: PushType;
  readonly channel: string;
  readonly pushAt: Date | null;
  readonly ratePerSecond: number | null;
  readonly creator: string;
  readonly archivedAt: Date | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export interface TaskWithDefinition extends Task {
  readonly creatorName: string;
  readonly definition: TaskDefinition;
  /** The person who made that revision. */
  readonly madeBy: string;
}

export interface NewTask {
  readonly id: string;
  readonly appId: string;
  readonly name: string;
  readonly subgroupId?: string | null;
  readonly definition: TaskDefinition;
  readonly ratePerSecond?: number | null;
  readonly creator: string;
  readonly now: Date;
}

/** Inserts a draft with its first revision. */
export async function insertTask(db: Db, task: NewTask): Promise<void> {
  await inTransaction(db, async (trx) => {
    await trx
      .insertInto('tasks')
      .values({
        id: task.id,
        app_id: task.appId,
        name: task.name,
        subgroup_id: task.subgroupId ?? null,
        revision: 1,
        approved_revision: null,
        status: 'draft',
        status_reason: null,
        ...listedOf(task.definition),
        rate_per_second: task.ratePerSecond ?? null,
        creator: task.creator,
        archived_at: null,
        created_at: task.now,
        updated_at: task.now,
      })
      .execute();
    await insertRevisionRow(trx, {
      taskId: task.id,
      revision: 1,
      definition: task.definition,
      madeBy: task.creator,
      now: task.now,
    });
  });
}

export async function findTask(
  db: Db,
  { appId, taskId }: { appId: string; taskId: string },
): Promise<TaskWithDefinition | undefined> {
  const row = await db
    .selectFrom('tasks')
    .innerJoin('task_revisions', (join) =>
      join
        .onRef('task_revisions.task_id', '=', 'tasks.id')
        .onRef('task_revisions.revision', '=', 'tasks.revision'),
    )
    .innerJoin('people', 'people.id', 'tasks.creator')
    .selectAll('tasks')
    .select([
      'task_revisions.definition',
      'task_revisions.made_by',
      'people.name as creator_name',
      REPORTED_REASON.as('reported_reason'),
    ])
    .where('tasks.id', '=', taskId)
    .where('tasks.app_id', '=', appId)
    .executeTakeFirst();
  if (row === undefined) return undefined;
  return {
    ...rowToTask(row),
    statusReason: row.status_reason ?? row.reported_reason,
    creatorName: row.creator_name,
    definition: row.definition,
    madeBy: row.made_by,
  };
}

/** Throws when the task does not exist. */
export async function findTaskStatus(db: Db, taskId: string): Promise<TaskStatus> {
  const { status } = await db
    .selectFrom('tasks')
    .select('status')
    .where('id', '=', taskId)
    .executeTakeFirstOrThrow();
  return status;
}

/**
 * Why the task stands as it does, where the workflow does not know: the remark of the person who rejected the
 * task, or what a sender reports of a push under way.
 */
export const REPORTED_REASON: RawBuilder<string | null> = sql`case when tasks.status = 'rejected' then (
  select remarks.text
  from approvals
  join remarks on remarks.id = approvals.remark and remarks.task_id = approvals.task_id
  where approvals.task_id = tasks.id
    and approvals.submission = tasks.submission
    and approvals.decision = 'reject'
  order by approvals.decided_at desc
  limit 1)
when tasks.status = 'sending' or tasks.in_push then (
  select pushes.status_reason
  from pushes
  where pushes.task_id = tasks.id
    and pushes.status = 'sending'
    and pushes.status_reason is not null
  order by pushes.seq desc
  limit 1) end`;

/** Locks the task until the end of the transaction. */
export async function lockTask(
  trx: Transaction<Schema>,
  { appId, taskId }: { appId: string; taskId: string },
): Promise<Task | undefined> {
  const row = await trx
    .selectFrom('tasks')
    .selectAll()
    .where('id', '=', taskId)
    .where('app_id', '=', appId)
    .forUpdate()
    .executeTakeFirst();
  return row && rowToTask(row);
}

export interface TaskLabels {
  readonly name?: string | undefined;
  readonly subgroupId?: string | null | undefined;
}

/** Changes name and subgroup, which are not material and need no revision. */
export async function updateLabels(
  db: Db,
  args: { appId: string; taskId: string; labels: TaskLabels; now: Date },
): Promise<void> {
  const { name, subgroupId } = args.labels;
  await db
    .updateTable('tasks')
    .set({
      ...(name === undefined ? {} : { name }),
      ...(subgroupId === undefined ? {} : { subgroup_id: subgroupId }),
      updated_at: args.now,
    })
    .where('id', '=', args.taskId)
    .where('app_id', '=', args.appId)
    .execute();
}

/** Changes the rate of a task without a running workflow. */
export async function updateRate(
  db: Db,
  args: { appId: string; taskId: string; ratePerSecond: number | null; now: Date },
): Promise<void> {
  await db
    .updateTable('tasks')
    .set({ rate_per_second: args.ratePerSecond, updated_at: args.now })
    .where('id', '=', args.taskId)
    .where('app_id', '=', args.appId)
    .execute();
}

/** Removes the task from the list. Its data stays. */
export async function archiveTask(
  trx: Transaction<Schema>,
  args: { taskId: string; now: Date },
): Promise<void> {
  await trx
    .updateTable('tasks')
    .set({ archived_at: args.now, updated_at: args.now })
    .where('id', '=', args.taskId)
    .where('archived_at', 'is', null)
    .execute();
}

export async function insertRevisionRow(
  trx: Transaction<Schema>,
  args: { taskId: string; revision: number; definition: TaskDefinition; madeBy: string; now: Date },
): Promise<void> {
  await trx
    .insertInto('task_revisions')
    .values({
      task_id: args.taskId,
      revision: args.revision,
      made_by: args.madeBy,
      made_at: args.now,
      definition: JSON.stringify(args.definition),
    })
    .execute();
}

/** Columns of a definition that the list shows and filters. */
export function listedOf(definition: TaskDefinition) {
  const pushAt = pushTimeOf(definition);
  return {
    push_type: definition.pushType,
    channel: definition.channel,
    push_at: pushAt === null ? null : new Date(pushAt),
  };
}

export function rowToTask(row: Selectable<TasksTable>): Task {
  return {
    id: row.id,
    appId: row.app_id,
    name: row.name,
    subgroupId: row.subgroup_id,
    revision: row.revision,
    approvedRevision: row.approved_revision,
    submission: row.submission,
    status: row.status,
    statusReason: row.status_reason,
    inPush: row.in_push,
    pushType: row.push_type,
    channel: row.channel,
    pushAt: row.push_at,
    ratePerSecond: row.rate_per_second,
    creator: row.creator,
    archivedAt: row.archived_at,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
