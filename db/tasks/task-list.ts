import { type ExpressionBuilder, type ExpressionWrapper, type SqlBool, sql } from 'kysely';
import { TASK_ID } from '../../domain/ids.ts';
import { APPROVAL_STATES, type ApprovalState } from '../../domain/tasks/approval-state.ts';
import type { PushType, TaskStatus } from '../../domain/tasks/task-status.ts';
import type { Db } from '../core/database.ts';
import type { Schema } from '../schema/schema.ts';
import { withDescendants } from './subgroups.ts';
import { SORT_KEYS, sortsByTotals, type TaskSort } from './task-sort.ts';
import { REPORTED_REASON, rowToTask, type Task } from './tasks.ts';

export interface TaskFilter {
  readonly appId: string;
  readonly status?: readonly TaskStatus[] | undefined;
  readonly approval?: readonly ApprovalState[] | undefined;
  /** A folder with all folders below it; 'none' selects tasks without a folder. */
  readonly subgroup?: string | undefined;
  readonly subCampaign?: string | undefined;
  readonly pushType?: readonly PushType[] | undefined;
  readonly creator?: string | undefined;
  readonly channel?: string | undefined;
  readonly createdFrom?: Date | undefined;
  readonly createdTo?: Date | undefined;
  readonly pushFrom?: Date | undefined;
  readonly pushTo?: Date | undefined;
  /** A task's ID, or a part of its name. */
  readonly search?: string | undefined;
}

/** Position of a row in the sort order, by its sort key as text and its ID. */
export interface Place {
  readonly value: string;
  readonly id: string;
}

export interface TaskPage {
  readonly sort: TaskSort;
  readonly order: 'asc' | 'desc';
  /** The row that the page starts after, which may no longer exist. */
  readonly after?: Place | undefined;
  readonly limit: number;
}

export interface ListedTask extends Task {
  readonly creatorName: string;
}

/** Lists tasks, without deleted ones. */
export async function listTasks(
  db: Db,
  filter: TaskFilter,
  page: TaskPage,
): Promise<(ListedTask & { readonly place: string })[]> {
  const { after, order, sort } = page;
  const { value, type } = SORT_KEYS[sort];
  let query = db
    .selectFrom('tasks')
    .innerJoin('people', 'people.id', 'tasks.creator')
    .$if(sortsByTotals(sort), (query) =>
      query.leftJoin('task_totals as totals', 'totals.task_id', 'tasks.id'),
    )
    .selectAll('tasks')
    .select([
      'people.name as creator_name',
      REPORTED_REASON.as('reported_reason'),
      sql<string>`(${value})::text`.as('place'),
    ])
    .where((eb) => matches(eb, filter))
    .orderBy(sql`${value} ${sql.raw(order)}`)
    .orderBy('tasks.id', order)
    .limit(page.limit);
  if (after !== undefined) {
    const beyond = order === 'asc' ? sql.raw('>') : sql.raw('<');
    query = query.where(
      sql<boolean>`(${value}, tasks.id) ${beyond} (${after.value}::${sql.raw(type)}, ${after.id})`,
    );
  }
  const rows = await query.execute();
  return rows.map((row) => ({
    ...rowToTask(row),
    statusReason: row.status_reason ?? row.reported_reason,
    creatorName: row.creator_name,
    place: row.place,
  }));
}

/** Counts the filtered tasks by status, for the tabs above the list. The filter's own status is ignored. */
export async function countTasksByStatus(
  db: Db,
  filter: TaskFilter,
): Promise<Partial<Record<TaskStatus, number>>> {
  const rows = await db
    .selectFrom('tasks')
    .select((eb) => ['status', eb.fn.countAll<number>().as('count')])
    .where((eb) => matches(eb, { ...filter, status: undefined }))
    .groupBy('status')
    .execute();
  return Object.fromEntries(rows.map((row) => [row.status, row.count]));
}

function matches(eb: ExpressionBuilder<Schema, 'tasks'>, filter: TaskFilter) {
  const { status, approval, pushType, subgroup, subCampaign, search } = filter;
  const conditions: ExpressionWrapper<Schema, 'tasks', SqlBool>[] = [
    eb('tasks.app_id', '=', filter.appId),
    eb('tasks.archived_at', 'is', null),
  ];
  if (status !== undefined && status.length > 0) conditions.push(eb('tasks.status', 'in', status));
  if (pushType !== undefined && pushType.length > 0) conditions.push(eb('tasks.push_type', 'in', pushType));
  if (approval !== undefined && approval.length > 0 && approval.length < APPROVAL_STATES.length) {
    conditions.push(eb(APPROVAL_STATE, 'in', approval));
  }
  if (subgroup === 'none') conditions.push(eb('tasks.subgroup_id', 'is', null));
  else if (subgroup !== undefined) {
    conditions.push(eb('tasks.subgroup_id', 'in', withDescendants(filter.appId, subgroup)));
  }
  if (subCampaign !== undefined) {
    const served = sql<string>`(
      select task_id
      from task_sub_campaigns
      where sub_campaign_id = ${subCampaign}
    )`;
    conditions.push(eb('tasks.id', 'in', served));
  }
  if (filter.creator !== undefined) conditions.push(eb('tasks.creator', '=', filter.creator));
  if (filter.channel !== undefined) conditions.push(eb('tasks.channel', '=', filter.channel));
  if (filter.createdFrom !== undefined) conditions.push(eb('tasks.created_at', '>=', filter.createdFrom));
  if (filter.createdTo !== undefined) conditions.push(eb('tasks.created_at', '<', filter.createdTo));
  if (filter.pushFrom !== undefined) conditions.push(eb('tasks.push_at', '>=', filter.pushFrom));
  if (filter.pushTo !== undefined) conditions.push(eb('tasks.push_at', '<', filter.pushTo));
  if (search !== undefined) conditions.push(isFound(eb, search));
  return eb.and(conditions);
}

/** Compares IDs only for text that is an ID, because an OR makes Postgres recompute the grams of names. */
function isFound(eb: ExpressionBuilder<Schema, 'tasks'>, text: string) {
  const named = nameContains(eb, text);
  return TASK_ID.test(text) ? eb.or([named, eb('tasks.id', '=', text)]) : named;
}

/** Finds names by an index on pairs of characters, and then compares the found names with the text. */
function nameContains(eb: ExpressionBuilder<Schema, 'tasks'>, text: string) {
  return eb.and([
    sql<boolean>`name_grams(tasks.name_folded) @> name_grams(fold_name(${text}))`,
    sql<boolean>`strpos(tasks.name_folded, fold_name(${text})) > 0`,
  ]);
}

/** The SQL form of `approvalStateOf`. */
const APPROVAL_STATE = sql<ApprovalState>`case
  when tasks.status = 'pending_approval' then 'pending'
  when tasks.status = 'rejected' then 'rejected'
  when tasks.status <> 'draft' and tasks.approved_revision = tasks.revision then 'approved'
  else 'none' end`;
