import { sql } from 'kysely';
import type { Db } from '../core/database.ts';
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
 * Claims due deliveries until the end of a lease. Claims of a process that dies are sent again afterwards. An
 * event waits for the first attempt of each earlier event of the same object.
 */
export async function claimDueWebhooks(
  db: Db,
  args: {
    readonly now: Date;
    readonly leaseUntil: Date;
    readonly limit: number;
    readonly perEndpoint: number;
    /** Number of unanswered requests by endpoint ID. */
    readonly open: ReadonlyMap<string, number>;
  },
): Promise<DueWebhook[]> {
  const { now, leaseUntil, limit, perEndpoint, open } = args;
  const [ids, counts] = [[...open.keys()], [...open.values()]];
  const { rows } = await sql<DueWebhook>`
    with due as (
      -- Each endpoint gets its share less its open requests, so that a slow one does not delay the others.
      select claimed.endpoint_id, claimed.event_no
      from webhook_endpoints target
      left join unnest(${ids}::text[], ${counts}::int[]) as open (id, count) on open.id = target.id
      cross join lateral (
        select one.endpoint_id, one.event_no
        from webhook_deliveries one
        where one.endpoint_id = target.id
          and one.status = 'pending'
          and one.due_at <= ${now}
          -- First attempts of the events of one object keep the order of the events.
          and not exists (
            select 1
            from webhook_deliveries before
            where before.endpoint_id = one.endpoint_id
              and before.object_id = one.object_id
              and before.event_no < one.event_no
              and before.status = 'pending'
              and before.tries = 0
          )
        order by one.due_at, one.event_no
        limit greatest(0, ${perEndpoint}::int - coalesce(open.count, 0))
        for update skip locked
      ) claimed
      where target.disabled_at is null
      limit ${limit}
    )
    update webhook_deliveries d
    set due_at = ${leaseUntil}
    from due, webhook_events event, webhook_endpoints target
    where d.endpoint_id = due.endpoint_id
      and d.event_no = due.event_no
      and event.no = d.event_no
      and target.id = d.endpoint_id
    returning
      d.endpoint_id as "endpointId",
      event.no,
      event.id as "messageId",
      event.type,
      event.at,
      event.data,
      target.url,
      target.secret,
      case when target.previous_secret_until > ${now} then target.previous_secret end as "previousSecret",
      target.failing_since as "failingSince",
      d.retry_from as "retryFrom",
      d.tries,
      d.attempts`.execute(db);
  return rows;
}

export interface WebhookAttempt {
  readonly webhook: DueWebhook;
  readonly at: Date;
  readonly durationMs: number;
  readonly status: number | null;
  readonly error: string | null;
}

/** `retryAt`: null when no retry follows. `disable`: reason for disabling the endpoint, or null. */
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
    // Another attempt has settled the delivery, or the endpoint was deleted.
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

/** Emits one reminder for each approval whose time limit is near. */
export async function emitApprovalReminders(db: Db, now: Date): Promise<void> {
  await sql`
    with near as (
      update tasks
      set approval_reminded_for = tasks.approval_due_at
      from apps
      where apps.id = tasks.app_id
        and tasks.status = 'pending_approval'
        and tasks.approval_due_at > ${now}
        and tasks.approval_due_at - apps.approval_reminder_minutes * interval '1 minute' <= ${now}
        and tasks.approval_reminded_for is distinct from tasks.approval_due_at
      returning tasks.app_id, tasks.id, tasks as task
    )
    select emit_webhook_event(
      near.app_id, 'task.approval_reminder', near.id, ${now}, approval_payload(near.task))
    from near`.execute(db);
}

const BATCH = 5_000;

/** Deletes settled events with their deliveries and attempts. Returns the number of events. */
export async function deleteWebhooksBefore(db: Db, before: Date): Promise<number> {
  let total = 0;
  for (;;) {
    const { numAffectedRows } = await sql`
      delete from webhook_events
      where no in (
        select no
        from webhook_events event
        where event.at < ${before}
          and not exists (
            select 1
            from webhook_deliveries d
            where d.event_no = event.no and d.status = 'pending'
          )
        limit ${BATCH}
      )`.execute(db);
    total += Number(numAffectedRows ?? 0);
    if (Number(numAffectedRows ?? 0) < BATCH) return total;
  }
}
