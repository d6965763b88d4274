import { type Insertable, type QueryCreator, sql } from 'kysely';
import type { Recurrence } from '../../domain/schedule/recurrence.ts';
import type { Plan, TaskEvent } from '../../domain/tasks/plan.ts';
import { pushTimeOf } from '../../domain/tasks/push-time.ts';
import type { TaskDefinition } from '../../domain/tasks/task-definition.ts';
import { isAtRest, type PushType, type TaskStatus } from '../../domain/tasks/task-status.ts';
import { lastDueAt } from '../../domain/tasks/trigger.ts';
import type { Db } from '../core/database.ts';
import type { Schema } from '../schema/schema.ts';
import type { ApprovalsTable, AuditTable } from '../schema/schema-tasks.ts';

type TaskKey = { readonly taskId: string };

/** Undefined when the task has no such revision. */
export async function findPlan(db: Db, args: TaskKey & { revision: number }): Promise<Plan | undefined> {
  const row = await db
    .selectFrom('task_revisions as r')
    .innerJoin('tasks as t', 't.id', 'r.task_id')
    .innerJoin('apps as a', 'a.id', 't.app_id')
    .select(['r.definition', 'a.approvals_required', 'a.approval_limit_minutes', 'a.on_approval_timeout'])
    .where('r.task_id', '=', args.taskId)
    .where('r.revision', '=', args.revision)
    .executeTakeFirst();
  if (row === undefined) return undefined;
  const { pushType, latePolicy, channel, audienceAt, recurrence, local, trigger } = row.definition;
  return {
    revision: args.revision,
    pushType,
    pushAt: pushTimeOf(row.definition),
    latePolicy,
    approvalsRequired: row.approvals_required,
    ...(row.approval_limit_minutes === null
      ? {}
      : { approvalLimit: { ms: row.approval_limit_minutes * 60_000, onTimeout: row.on_approval_timeout } }),
    channel,
    ...(audienceAt === 'approval' ? { audienceAt } : {}),
    ...(local === undefined ? {} : { isLocal: true }),
    ...(recurrence === undefined ? {} : { recurrence: endOf(recurrence) }),
    ...(trigger === undefined ? {} : { recurrence: { endAt: lastDueAt(trigger), count: null } }),
  };
}

function endOf({ endAt, count }: Recurrence): NonNullable<Plan['recurrence']> {
  return { endAt: endAt === undefined ? null : Date.parse(endAt), count: count ?? null };
}

/** Whether the workflow of that submission has ended, so that a second start of it must not begin again. */
export async function hasEnded(db: Db, args: TaskKey & { submission: number }): Promise<boolean> {
  const row = await db
    .selectFrom('tasks')
    .select(['submission', 'status'])
    .where('id', '=', args.taskId)
    .where('submission', '>=', args.submission)
    .executeTakeFirst();
  return row !== undefined && (row.submission > args.submission || isAtRest(row.status));
}

/** The number of the task's next push. Submissions share one numbering. */
export async function nextPushSeq(db: Db, { taskId }: TaskKey): Promise<number> {
  const row = await db
    .selectFrom('pushes')
    .select((eb) => eb.fn.max('seq').as('last'))
    .where('task_id', '=', taskId)
    .executeTakeFirst();
  return (row?.last ?? 0) + 1;
}

export interface TaskProjection {
  readonly taskId: string;
  readonly appId: string;
  readonly submission: number;
  /** Grows with each change. An older version never overwrites a newer one. */
  readonly version: number;
  readonly status: TaskStatus;
  readonly reason: string | null;
  readonly revision: number;
  readonly pushType: PushType;
  readonly approvedRevision: number | null;
  readonly inPush: boolean;
  readonly archived: boolean;
  readonly pushAt: number | null;
  /** Missing in histories from before time limits existed. */
  readonly approvalDueAt?: number | null;
  readonly events: readonly TaskEvent[];
}

/** Writes the workflow's decisions in one statement. A repeated projection changes nothing. */
export async function recordProjection(db: Db, projection: TaskProjection, now: Date): Promise<void> {
  const { events } = projection;
  if (events.length === 0) {
    await updateTask(db, projection, now).execute();
    return;
  }
  const withTask = db.with('shown', (query) => updateTask(query, projection, now));
  const lines = events.map((event) => lineOf(projection, event));
  const decisions = events.flatMap((event) => decisionOf(projection, event));
  if (decisions.length === 0) {
    await withTask
      .insertInto('audit')
      .values(lines)
      .onConflict((conflict) => conflict.doNothing())
      .execute();
    return;
  }
  await withTask
    .with('told', (query) =>
      query
        .insertInto('audit')
        .values(lines)
        .onConflict((conflict) => conflict.doNothing()),
    )
    .insertInto('approvals')
    .values(decisions)
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

/** Updates the task's row, unless the row shows a newer state. */
function updateTask(db: Pick<QueryCreator<Schema>, 'updateTable'>, to: TaskProjection, now: Date) {
  return db
    .updateTable('tasks')
    .set({
      submission: to.submission,
      state_version: to.version,
      status: to.status,
      status_reason: to.reason,
      revision: to.revision,
      push_type: to.pushType,
      approved_revision: to.approvedRevision,
      in_push: to.inPush,
      push_at: to.pushAt === null ? null : new Date(to.pushAt),
      approval_due_at: to.approvalDueAt == null ? null : new Date(to.approvalDueAt),
      updated_at: now,
      archived_at: to.archived ? sql<Date>`coalesce(archived_at, ${now})` : sql<Date | null>`archived_at`,
    })
    .where('id', '=', to.taskId)
    .where(sql<boolean>`(submission, state_version) < (${to.submission}, ${to.version})`);
}

function lineOf(
  { appId, taskId, submission }: TaskProjection,
  { at, person, origin, ...event }: TaskEvent,
): Insertable<AuditTable> {
  return {
    ...event,
    origin: origin ?? null,
    app_id: appId,
    task_id: taskId,
    submission,
    at: new Date(at),
    person_id: person,
  };
}

function decisionOf({ taskId, submission }: TaskProjection, event: TaskEvent): Insertable<ApprovalsTable>[] {
  const { action, via, person, outcome } = event;
  if (outcome !== 'done' || person === null) return [];
  if (action !== 'approve' && action !== 'reject') return [];
  if (via !== 'api' && via !== 'signal' && via !== 'claimed') return [];
  return [
    {
      task_id: taskId,
      submission,
      revision: event.revision,
      person_id: person,
      decision: action,
      via,
      remark: event.remark,
      decided_at: new Date(event.at),
    },
  ];
}

/** Facts to check an approver against. Undefined when the app has no such person. */
export async function findApprover(db: Db, args: TaskKey & { personId: string; revision: number }) {
  return await db
    .selectFrom('tasks as t')
    .innerJoin('apps as a', 'a.id', 't.app_id')
    .innerJoin('people as p', 'p.app_id', 't.app_id')
    .innerJoin('task_revisions as r', (join) =>
      join.onRef('r.task_id', '=', 't.id').on('r.revision', '=', args.revision),
    )
    .select(['p.role', 'a.signal_approval', 'a.maker_may_approve', 'a.approver_roles', 'r.made_by'])
    .where('t.id', '=', args.taskId)
    .where('p.id', '=', args.personId)
    .executeTakeFirst();
}

/** Null when no submission is recorded. */
export async function findSubmitter(db: Db, args: TaskKey & { submission: number }): Promise<string | null> {
  const row = await db
    .selectFrom('audit')
    .select('person_id')
    .where('task_id', '=', args.taskId)
    .where('submission', '=', args.submission)
    .where('action', '=', 'submit')
    .where('outcome', '=', 'done')
    .executeTakeFirst();
  return row?.person_id ?? null;
}

/** The definition of the revision that the push carries out. */
export async function findDefinition(
  db: Db,
  push: { task_id: string; revision: number },
): Promise<TaskDefinition> {
  const row = await db
    .selectFrom('task_revisions')
    .select('definition')
    .where('task_id', '=', push.task_id)
    .where('revision', '=', push.revision)
    .executeTakeFirstOrThrow();
  return row.definition;
}
