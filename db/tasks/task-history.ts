import { sql } from 'kysely';
import type { PushStatus } from '../../domain/tasks/task-status.ts';
import type { Db } from '../core/database.ts';

/** Stores free text in Postgres, so that a command carries only its ID. */
export async function insertRemark(
  db: Db,
  args: { id: string; taskId: string; personId: string; text: string; now: Date },
): Promise<void> {
  await db
    .insertInto('remarks')
    .values({
      id: args.id,
      task_id: args.taskId,
      person_id: args.personId,
      text: args.text,
      created_at: args.now,
    })
    .execute();
}

export interface DecisionLine {
  readonly personId: string;
  readonly personName: string;
  /** Grows each time the task is submitted. */
  readonly submission: number;
  readonly revision: number;
  readonly decision: 'approve' | 'reject';
  readonly via: 'api' | 'signal' | 'claimed';
  readonly remark: string | null;
  readonly decidedAt: Date;
}

/** The text of a decision. Text of a signal is stored in the audit, as it is in the history anyway. */
const REMARK = sql<string | null>`coalesce(remarks.text, (
  select entry.detail
  from audit entry
  where entry.task_id = approvals.task_id
    and entry.submission = approvals.submission
    and entry.revision = approvals.revision
    and entry.person_id = approvals.person_id
    and entry.action = approvals.decision
    and entry.outcome = 'done'
  limit 1
))`;

/** Decisions on all submissions, in chronological order. */
export async function listDecisions(db: Db, { taskId }: { taskId: string }): Promise<DecisionLine[]> {
  return await db
    .selectFrom('approvals')
    .innerJoin('people', 'people.id', 'approvals.person_id')
    .leftJoin('remarks', 'remarks.id', 'approvals.remark')
    .select([
      'approvals.person_id as personId',
      'people.name as personName',
      'approvals.submission',
      'approvals.revision',
      'approvals.decision',
      'approvals.via',
      REMARK.as('remark'),
      'approvals.decided_at as decidedAt',
    ])
    .where('approvals.task_id', '=', taskId)
    .orderBy('approvals.submission')
    .orderBy('approvals.decided_at')
    .execute();
}

export interface PushSummary {
  readonly no: number;
  readonly id: string;
  readonly taskId: string;
  readonly appId: string;
  readonly seq: number;
  readonly revision: number;
  readonly status: PushStatus;
  readonly statusReason: string | null;
  readonly dueAt: Date;
  readonly partitionStart: Date | null;
  readonly startedAt: Date | null;
  readonly windowEndsAt: Date | null;
  readonly finalisedAt: Date | null;
  readonly deliveriesDeletedAt: Date | null;
  readonly createdAt: Date;
}

export async function findPushSummary(
  db: Db,
  { appId, pushId }: { appId: string; pushId: string },
): Promise<PushSummary | undefined> {
  return await selectPushes(db).where('id', '=', pushId).where('app_id', '=', appId).executeTakeFirst();
}

/** The pushes of a task with numbers below `before`, newest first. */
export async function listPushes(
  db: Db,
  args: { taskId: string; before: number | undefined; limit: number },
): Promise<PushSummary[]> {
  return await selectPushes(db)
    .where('task_id', '=', args.taskId)
    .$if(args.before !== undefined, (query) => query.where('seq', '<', args.before ?? 0))
    .orderBy('seq', 'desc')
    .limit(args.limit)
    .execute();
}

/** The app's pushes that started within a period, newest first, from the row after `after`. */
export async function listStartedPushes(
  db: Db,
  args: {
    appId: string;
    from: Date;
    to: Date;
    after: { startedAt: Date; no: number } | undefined;
    limit: number;
  },
): Promise<PushSummary[]> {
  const { appId, from, to, after, limit } = args;
  return await selectPushes(db)
    .where('app_id', '=', appId)
    .where('started_at', '>=', from)
    .where('started_at', '<', to)
    .$if(after !== undefined, (query) =>
      query.where((eb) =>
        eb(eb.refTuple('started_at', 'no'), '<', eb.tuple(after?.startedAt ?? from, after?.no ?? 0)),
      ),
    )
    .orderBy('started_at', 'desc')
    .orderBy('no', 'desc')
    .limit(limit)
    .execute();
}

function selectPushes(db: Db) {
  return db
    .selectFrom('pushes')
    .select([
      'no',
      'id',
      'task_id as taskId',
      'app_id as appId',
      'seq',
      'revision',
      'status',
      'status_reason as statusReason',
      'due_at as dueAt',
      'partition_start as partitionStart',
      'started_at as startedAt',
      'window_ends_at as windowEndsAt',
      'finalised_at as finalisedAt',
      'deliveries_deleted_at as deliveriesDeletedAt',
      'created_at as createdAt',
    ]);
}
