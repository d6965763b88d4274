import { type ExpressionBuilder, sql } from 'kysely';
import type { PushType, TaskStatus } from '../domain/task-status.ts';
import type { Db } from './database.ts';
import { containsPattern } from './like.ts';
import type { Schema } from './schema.ts';
import { REJECTION, rowToTask, type Task } from './tasks.ts';

export interface TaskFilter {
  readonly appId: string;
  readonly status?: readonly TaskStatus[] | undefined;
  readonly subgroup?: string | undefined;
  readonly pushType?: PushType | undefined;
  readonly creator?: string | undefined;
  readonly channel?: string | undefined;
  readonly createdFrom?: Date | undefined;
  readonly createdTo?: Date | undefined;
  readonly pushFrom?: Date | undefined;
  readonly pushTo?: Date | undefined;
  /** A task's ID, or part of a name. */
  readonly search?: string | undefined;
}

export interface TaskPage {
  /** The row that the page starts after. */
  readonly after?: { readonly createdAt: Date; readonly id: string } | undefined;
  readonly order: 'asc' | 'desc';
  readonly limit: number;
}

export interface ListedTask extends Task {
  readonly creatorName: string;
}

/** Newest first unless told otherwise; archived tasks are not listed. */
export async function listTasks(db: Db, filter: TaskFilter, page: TaskPage): Promise<ListedTask[]> {
  const { after, order } = page;
  let query = db
    .selectFrom('tasks')
    .innerJoin('people', 'people.id', 'tasks.creator')
    .selectAll('tasks')
    .select(['people.name as creator_name', REJECTION.as('rejection')])
    .where((eb) => matches(eb, filter))
    .orderBy('tasks.created_at', order)
    .orderBy('tasks.id', order)
    .limit(page.limit);
  if (after !== undefined) {
    const beyond = order === 'asc' ? sql.raw('>') : sql.raw('<');
    query = query.where(
      sql<boolean>`(tasks.created_at, tasks.id) ${beyond} (${after.createdAt}, ${after.id})`,
    );
  }
  const rows = await query.execute();
  return rows.map((row) => ({
    ...rowToTask(row),
    statusReason: row.status_reason ?? row.rejection,
    creatorName: row.creator_name,
  }));
}

/** Of the filtered tasks, whatever their status; for the tabs above the list. */
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

/** The subgroups in use, in the order of their names. */
export async function listSubgroups(db: Db, { appId }: { appId: string }): Promise<string[]> {
  const rows = await db
    .selectFrom('tasks')
    .select('subgroup')
    .distinct()
    .where('app_id', '=', appId)
    .where('archived_at', 'is', null)
    .where('subgroup', '<>', '')
    .orderBy('subgroup')
    .execute();
  return rows.map((row) => row.subgroup);
}

function matches(eb: ExpressionBuilder<Schema, 'tasks'>, filter: TaskFilter) {
  const { status, search } = filter;
  const conditions = [eb('tasks.app_id', '=', filter.appId), eb('tasks.archived_at', 'is', null)];
  if (status !== undefined && status.length > 0) conditions.push(eb('tasks.status', 'in', status));
  if (filter.subgroup !== undefined) conditions.push(eb('tasks.subgroup', '=', filter.subgroup));
  if (filter.pushType !== undefined) conditions.push(eb('tasks.push_type', '=', filter.pushType));
  if (filter.creator !== undefined) conditions.push(eb('tasks.creator', '=', filter.creator));
  if (filter.channel !== undefined) conditions.push(eb('tasks.channel', '=', filter.channel));
  if (filter.createdFrom !== undefined) conditions.push(eb('tasks.created_at', '>=', filter.createdFrom));
  if (filter.createdTo !== undefined) conditions.push(eb('tasks.created_at', '<', filter.createdTo));
  if (filter.pushFrom !== undefined) conditions.push(eb('tasks.push_at', '>=', filter.pushFrom));
  if (filter.pushTo !== undefined) conditions.push(eb('tasks.push_at', '<', filter.pushTo));
  if (search !== undefined) {
    conditions.push(eb.or([eb('tasks.name', 'ilike', containsPattern(search)), eb('tasks.id', '=', search)]));
  }
  return eb.and(conditions);
}
