import { sql } from 'kysely';
import type { Db } from './database.ts';
import { disableWebhook } from './webhooks.ts';

export interface DueWebhook {
  readonly endpointId: string;
  readonly no: number;
  readonly messageId: string;
  readonly type: string;
  readonly at: Date;
  readonly data: Record<string, unknown>;
  readonly url: string;
  readonly secret: Buffer;
  readonly previousSecret: Buffer | null;
  readonly failingSince: Date | null;
  readonly retryFrom: Date;
  readonly tries: number;
  readonly attempts: number;
}

/**
 * Takes what is due, for as long as a lease lasts: whoever dies with it leaves it to be sent again. An event waits
 * for the first try of those before it of the same object.
 */
export async function claimDueWebhooks(
  db: Db,
  args: {
    readonly now: Date;
    readonly leaseUntil: Date;
    readonly limit: number;
    readonly perEndpoint: number;
    /** How many requests endpoints have yet to answer. */
    readonly open: ReadonlyMap<string, number>;
  },
): Promise<DueWebhook[]> {
  const { now, leaseUntil, limit, perEndpoint, open } = args;
  const [ids, counts] = [[...open.keys()], [...open.values()]];
  const { rows } = await sql<DueWebhook>`
    with due as (
      select d.endpoint_id, d.event_no from webhook_endpoints e
      left join unnest(${ids}::text[], ${counts}::int[]) as o(id, count) on o.id = e.id
      cross join lateral (
        select w.endpoint_id, w.event_no from webhook_deliveries w
        where w.endpoint_id = e.id and w.status = 'pending' and w.due_at <= ${now}
          and not exists (
            select 1 from webhook_deliveries b where b.endpoint_id = w.endpoint_id and b.object_id = w.object_id
              and b.event_no < w.event_no and b.status = 'pending' and b.tries = 0)
        order by w.due_at, w.event_no
        limit greatest(0, ${perEndpoint}::int - coalesce(o.count, 0)) for update skip locked) d
      where e.disabled_at is null
      limit ${limit})
    update webhook_deliveries d set due_at = ${leaseUntil}
    from due, webhook_events v, webhook_endpoints e
    where d.endpoint_id = due.endpoint_id and d.event_no = due.event_no and v.no = d.event_no and e.id = d.endpoint_id
    returning d.endpoint_id as "endpointId", v.no, v.id as "messageId", v.type, v.at, v.data, e.url, e.secret,
      case when e.previous_secret_until > ${now} then e.previous_secret end as "previousSecret",
      e.failing_since as "failingSince", d.retry_from as "retryFrom", d.tries, d.attempts`.execute(db);
  return rows;
}

export interface WebhookAttempt {
  readonly webhook: DueWebhook;
  readonly at: Date;
  readonly durationMs: number;
  readonly status: number | null;
  readonly error: string | null;
}

/** `retryAt`: null when it is given up. `disable`: why the endpoint gets nothing more. */
export type AttemptOutcome =
  | { readonly kind: 'delivered' }
  | { readonly kind: 'failed'; readonly retryAt: Date | null; readonly disable: string | null };

export async function recordWebhookAttempt(
  db: Db,
  attempt: WebhookAttempt,
  outcome: AttemptOutcome,
  now: Date,
): Promise<void> {
  const { endpointId, no } = attempt.webhook;
  await db.transaction().execute(async (trx) => {
    const retryAt = outcome.kind === 'failed' ? outcome.retryAt : null;
    const settled = outcome.kind === 'delivered' ? 'delivered' : 'failed';
    const row = await trx
      .updateTable('webhook_deliveries')
      .set((eb) => ({
        attempts: eb('attempts', '+', 1),
        tries: eb('tries', '+', 1),
        last_status: attempt.status,
        last_error: attempt.error,
        ...(retryAt === null ? { status: settled, settled_at: now } : { due_at: retryAt }),
      }))
      .where('endpoint_id', '=', endpointId)
      .where('event_no', '=', no)
      .where('status', '=', 'pending')
      .returning('attempts')
      .executeTakeFirst();
    // Settled by another attempt, or the endpoint is gone.
    if (row === undefined) return;
    await trx
      .insertInto('webhook_attempts')
      .values({
        endpoint_id: endpointId,
        event_no: no,
        attempt: row.attempts,
        at: attempt.at,
        duration_ms: attempt.durationMs,
        status: attempt.status,
        error: attempt.error,
      })
      .execute();
    await trx
      .updateTable('webhook_endpoints')
      .set({ failing_since: outcome.kind === 'delivered' ? null : now })
      .where('id', '=', endpointId)
      .where('failing_since', outcome.kind === 'delivered' ? 'is not' : 'is', null)
      .execute();
    if (outcome.kind === 'failed' && outcome.disable !== null) {
      await disableWebhook(trx, { id: endpointId, reason: outcome.disable, now });
    }
  });
}

/** Tells of each approval whose time limit is near, once. */
export async function emitApprovalReminders(db: Db, now: Date): Promise<void> {
  await sql`
    with near as (
      update tasks t set approval_reminded_for = t.approval_due_at from apps a
      where a.id = t.app_id and t.status = 'pending_approval' and t.approval_due_at > ${now}
        and t.approval_due_at - a.approval_reminder_minutes * interval '1 minute' <= ${now}
        and t.approval_reminded_for is distinct from t.approval_due_at
      returning t.app_id, t.id, t as task)
    select emit_webhook_event(near.app_id, 'task.approval_reminder', near.id, ${now}, approval_payload(near.task))
    from near`.execute(db);
}

const BATCH = 5_000;

/** Events that no endpoint waits for, with their deliveries and attempts. Returns how many went. */
export async function deleteWebhooksBefore(db: Db, before: Date): Promise<number> {
  let total = 0;
  for (;;) {
    const { numAffectedRows } = await sql`
      delete from webhook_events where no in (
        select no from webhook_events v where v.at < ${before} and not exists (
          select 1 from webhook_deliveries d where d.event_no = v.no and d.status = 'pending')
        limit ${BATCH})`.execute(db);
    total += Number(numAffectedRows ?? 0);
    if (Number(numAffectedRows ?? 0) < BATCH) return total;
  }
}
