import { sql } from 'kysely';
import type { Db } from '../core/database.ts';
import type { WebhookDeliveryStatus } from '../schema/schema-webhooks.ts';

type Endpoint = { readonly endpointId: string };

export interface DeliveryLine {
  readonly no: number;
  /** The `webhook-id` header of the requests. */
  readonly messageId: string;
  readonly type: string;
  readonly objectId: string;
  readonly at: Date;
  readonly status: WebhookDeliveryStatus;
  readonly attempts: number;
  readonly nextAttemptAt: Date | null;
  readonly lastStatus: number | null;
  readonly lastError: string | null;
  readonly settledAt: Date | null;
  readonly data: Record<string, unknown>;
}

function selectLines(db: Db, { endpointId }: Endpoint) {
  return db
    .selectFrom('webhook_deliveries as d')
    .innerJoin('webhook_events as event', 'event.no', 'd.event_no')
    .select([
      'event.no',
      'event.id as messageId',
      'event.type',
      'd.object_id as objectId',
      'event.at',
      'd.status',
      'd.attempts',
    ])
    .select([
      'd.last_status as lastStatus',
      'd.last_error as lastError',
      'd.settled_at as settledAt',
      'event.data',
    ])
    .select(sql<Date | null>`case when d.status = 'pending' then d.due_at end`.as('nextAttemptAt'))
    .where('d.endpoint_id', '=', endpointId);
}

/** Lists deliveries of events with numbers below `before`, newest first. */
export async function listWebhookDeliveries(
  db: Db,
  args: Endpoint & {
    readonly status: WebhookDeliveryStatus | undefined;
    readonly before: number | undefined;
    readonly limit: number;
  },
): Promise<DeliveryLine[]> {
  const { status, before } = args;
  let query = selectLines(db, args).orderBy('d.event_no', 'desc').limit(args.limit);
  if (status !== undefined) query = query.where('d.status', '=', status);
  if (before !== undefined) query = query.where('d.event_no', '<', before);
  return await query.execute();
}

export async function findWebhookDelivery(
  db: Db,
  args: Endpoint & { readonly messageId: string },
): Promise<DeliveryLine | undefined> {
  return await selectLines(db, args).where('event.id', '=', args.messageId).executeTakeFirst();
}

export interface AttemptLine {
  readonly attempt: number;
  readonly at: Date;
  readonly durationMs: number;
  readonly status: number | null;
  readonly error: string | null;
}

const SHOWN_ATTEMPTS = 100;

export async function listWebhookAttempts(
  db: Db,
  args: Endpoint & { readonly no: number },
): Promise<AttemptLine[]> {
  return await db
    .selectFrom('webhook_attempts')
    .select(['attempt', 'at', 'duration_ms as durationMs', 'status', 'error'])
    .where('endpoint_id', '=', args.endpointId)
    .where('event_no', '=', args.no)
    .orderBy('attempt', 'desc')
    .limit(SHOWN_ATTEMPTS)
    .execute();
}

/**
 * Replays one delivery, or all that have failed since a moment. IDs stay, and retries start over. Returns the
 * number of deliveries.
 */
export async function replayWebhooks(
  db: Db,
  args: Endpoint & { readonly now: Date } & ({ readonly no: number } | { readonly since: Date }),
): Promise<number> {
  let query = db
    .updateTable('webhook_deliveries')
    .set({ status: 'pending', due_at: args.now, retry_from: args.now, tries: 0, settled_at: null })
    .where('endpoint_id', '=', args.endpointId)
    .where('status', '<>', 'pending');
  if ('no' in args) query = query.where('event_no', '=', args.no);
  else {
    query = query
      .where('status', '=', 'failed')
      .where('event_no', 'in', (eb) =>
        eb.selectFrom('webhook_events').select('no').where('at', '>=', args.since),
      );
  }
  const { numUpdatedRows } = await query.executeTakeFirst();
  return Number(numUpdatedRows);
}

/** Stores a test message for this endpoint only, which is sent like any other. */
export async function insertPing(
  db: Db,
  args: Endpoint & { readonly appId: string; readonly now: Date },
): Promise<string> {
  const { appId, endpointId, now } = args;
  const row = await db
    .with('event', (query) =>
      query
        .insertInto('webhook_events')
        .values({
          app_id: appId,
          type: 'webhook.ping',
          object_id: endpointId,
          at: now,
          data: JSON.stringify({ webhookId: endpointId }),
        })
        .returning(['no', 'id']),
    )
    .with('delivery', (query) =>
      query
        .insertInto('webhook_deliveries')
        .columns(['endpoint_id', 'event_no', 'object_id', 'status', 'due_at', 'retry_from'])
        .expression((eb) =>
          eb
            .selectFrom('event')
            .select([
              eb.val(endpointId).as('endpoint_id'),
              'no',
              eb.val(endpointId).as('object_id'),
              sql<'pending'>`'pending'`.as('status'),
              sql<Date>`${now}::timestamptz`.as('due_at'),
              sql<Date>`${now}::timestamptz`.as('retry_from'),
            ]),
        ),
    )
    .selectFrom('event')
    .select('id')
    .executeTakeFirstOrThrow();
  return row.id;
}
