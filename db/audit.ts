import { sql } from 'kysely';
import type { Db } from './database.ts';

/** Where a request came from. */
export interface Origin {
  readonly id: string;
  readonly appId: string;
  readonly keyId: string;
  readonly ip: string | null;
  readonly userAgent: string | null;
  readonly at: Date;
}

export interface NewAct {
  readonly appId: string;
  /** Null of an administrator. */
  readonly personId: string | null;
  readonly verb: string;
  /** Of an act on one task. */
  readonly taskId?: string;
  readonly revision?: number;
  /** Never a user or a device: the audit is kept for ever. */
  readonly detail?: string | undefined;
  readonly origin: Origin;
  readonly now: Date;
}

/** What somebody did through the API alone, with no workflow to tell of it. */
export async function insertAct(db: Db, act: NewAct): Promise<void> {
  await db
    .with('origin', (query) =>
      query
        .insertInto('request_origins')
        .values(toRow(act.origin))
        .onConflict((conflict) => conflict.doNothing()),
    )
    .insertInto('audit')
    .values({
      app_id: act.appId,
      task_id: act.taskId ?? null,
      submission: null,
      seq: null,
      at: act.now,
      person_id: act.personId,
      verb: act.verb,
      via: 'api',
      revision: act.revision ?? null,
      outcome: 'done',
      detail: act.detail ?? null,
      origin: act.origin.id,
    })
    .execute();
}

/** Before a command that a workflow will tell of: it carries the ID only. */
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
  readonly verb: string;
  readonly via: string;
  readonly revision: number | null;
  readonly outcome: 'done' | 'ignored';
  readonly detail: string | null;
  /** What the person wrote. */
  readonly remark: string | null;
  readonly ip: string | null;
  readonly userAgent: string | null;
  readonly keyId: string | null;
}

export interface AuditFilter {
  readonly appId: string;
  readonly taskId?: string | undefined;
  readonly personId?: string | undefined;
  readonly verb?: readonly string[] | undefined;
  readonly via?: string | undefined;
  readonly outcome?: 'done' | 'ignored' | undefined;
  readonly from?: Date | undefined;
  readonly to?: Date | undefined;
}

/** Newest first, before the line of that number. */
export async function listAudit(
  db: Db,
  filter: AuditFilter,
  page: { readonly before?: number | undefined; readonly limit: number },
): Promise<AuditLine[]> {
  const { taskId, personId, verb, via, outcome, from, to } = filter;
  let query = db
    .selectFrom('audit as a')
    .leftJoin('people as p', 'p.id', 'a.person_id')
    .leftJoin('remarks as r', (join) =>
      join.onRef('r.id', '=', 'a.remark').onRef('r.task_id', '=', 'a.task_id'),
    )
    .leftJoin('request_origins as o', (join) =>
      join.onRef('o.id', '=', 'a.origin').onRef('o.app_id', '=', 'a.app_id'),
    )
    .select(['a.no', 'a.at', 'a.task_id as taskId', 'a.person_id as personId', 'p.name as personName'])
    .select(['a.verb', 'a.via', 'a.revision', 'a.outcome', 'a.detail', 'r.text as remark'])
    .select([sql<string | null>`host(o.ip)`.as('ip'), 'o.user_agent as userAgent', 'o.key_id as keyId'])
    .where('a.app_id', '=', filter.appId)
    .orderBy('a.no', 'desc')
    .limit(page.limit);
  if (taskId !== undefined) query = query.where('a.task_id', '=', taskId);
  if (personId !== undefined) query = query.where('a.person_id', '=', personId);
  if (verb !== undefined && verb.length > 0) query = query.where('a.verb', 'in', verb);
  if (via !== undefined) query = query.where('a.via', '=', via);
  if (outcome !== undefined) query = query.where('a.outcome', '=', outcome);
  if (from !== undefined) query = query.where('a.at', '>=', from);
  if (to !== undefined) query = query.where('a.at', '<', to);
  if (page.before !== undefined) query = query.where('a.no', '<', page.before);
  return await query.execute();
}
