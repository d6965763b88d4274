import { sql } from 'kysely';
import type { Db } from '../core/database.ts';

/** The source of a request. */
export interface Origin {
  readonly id: string;
  readonly appId: string;
  readonly keyId: string;
  readonly ip: string | null;
  readonly userAgent: string | null;
  readonly at: Date;
}

export interface NewAuditEntry {
  readonly appId: string;
  /** Null for an administrator. */
  readonly personId: string | null;
  readonly action: string;
  /** Set for actions on a task. */
  readonly taskId?: string;
  readonly revision?: number;
  /** Must not name a user or a device, because erasure leaves the audit as it is. */
  readonly detail?: string | undefined;
  readonly origin: Origin;
  readonly now: Date;
}

/** Records an action that came through the API and that no workflow records. */
export async function insertAuditEntry(db: Db, entry: NewAuditEntry): Promise<void> {
  await db
    .with('origin', (query) =>
      query
        .insertInto('request_origins')
        .values(toRow(entry.origin))
        .onConflict((conflict) => conflict.doNothing()),
    )
    .insertInto('audit')
    .values({
      app_id: entry.appId,
      task_id: entry.taskId ?? null,
      submission: null,
      seq: null,
      at: entry.now,
      person_id: entry.personId,
      action: entry.action,
      via: 'api',
      revision: entry.revision ?? null,
      outcome: 'done',
      detail: entry.detail ?? null,
      origin: entry.origin.id,
    })
    .execute();
}

/** Stores the origin of a command that a workflow will record. The workflow carries only the origin's ID. */
export async function insertOrigin(db: Db, origin: Origin): Promise<void> {
  await db
    .insertInto('request_origins')
    .values(toRow(origin))
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

function toRow(origin: Origin) {
  const { id, ip, at } = origin;
  return { id, app_id: origin.appId, key_id: origin.keyId, ip, user_agent: origin.userAgent, at };
}

export interface AuditLine {
  readonly no: number;
  readonly at: Date;
  readonly taskId: string | null;
  readonly personId: string | null;
  readonly personName: string | null;
  readonly action: string;
  readonly via: string;
  readonly revision: number | null;
  readonly outcome: 'done' | 'ignored';
  readonly detail: string | null;
  /** Text that the person wrote. */
  readonly remark: string | null;
  readonly ip: string | null;
  readonly userAgent: string | null;
  readonly keyId: string | null;
}

export interface AuditFilter {
  readonly appId: string;
  readonly taskId?: string | undefined;
  readonly personId?: string | undefined;
  readonly action?: readonly string[] | undefined;
  readonly via?: string | undefined;
  readonly outcome?: 'done' | 'ignored' | undefined;
  readonly from?: Date | undefined;
  readonly to?: Date | undefined;
}

/** Lists entries with numbers below `before`, newest first. */
export async function listAudit(
  db: Db,
  filter: AuditFilter,
  page: { readonly before?: number | undefined; readonly limit: number },
): Promise<AuditLine[]> {
  const { taskId, personId, action, via, outcome, from, to } = filter;
  let query = db
    .selectFrom('audit')
    .leftJoin('people', 'people.id', 'audit.person_id')
    .leftJoin('remarks', (join) =>
      join.onRef('remarks.id', '=', 'audit.remark').onRef('remarks.task_id', '=', 'audit.task_id'),
    )
    .leftJoin('request_origins as origins', (join) =>
      join.onRef('origins.id', '=', 'audit.origin').onRef('origins.app_id', '=', 'audit.app_id'),
    )
    .select([
      'audit.no',
      'audit.at',
      'audit.task_id as taskId',
      'audit.person_id as personId',
      'people.name as personName',
    ])
    .select([
      'audit.action',
      'audit.via',
      'audit.revision',
      'audit.outcome',
      'audit.detail',
      'remarks.text as remark',
    ])
    .select([
      sql<string | null>`host(origins.ip)`.as('ip'),
      'origins.user_agent as userAgent',
      'origins.key_id as keyId',
    ])
    .where('audit.app_id', '=', filter.appId)
    .orderBy('audit.no', 'desc')
    .limit(page.limit);
  if (taskId !== undefined) query = query.where('audit.task_id', '=', taskId);
  if (personId !== undefined) query = query.where('audit.person_id', '=', personId);
  if (action !== undefined && action.length > 0) query = query.where('audit.action', 'in', action);
  if (via !== undefined) query = query.where('audit.via', '=', via);
  if (outcome !== undefined) query = query.where('audit.outcome', '=', outcome);
  if (from !== undefined) query = query.where('audit.at', '>=', from);
  if (to !== undefined) query = query.where('audit.at', '<', to);
  if (page.before !== undefined) query = query.where('audit.no', '<', page.before);
  return await query.execute();
}
