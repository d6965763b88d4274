import { type Selectable, sql } from 'kysely';
import type { WebhookEvent } from '../../domain/webhooks/webhook.ts';
import { type Db, inTransaction } from '../core/database.ts';
import type { WebhookEndpointsTable } from '../schema/schema-webhooks.ts';

export const MAX_WEBHOOKS = 20;

export interface WebhookEndpoint {
  readonly id: string;
  readonly url: string;
  readonly description: string;
  readonly events: WebhookEvent[];
  readonly disabledAt: Date | null;
  readonly disabledReason: string | null;
  readonly failingSince: Date | null;
  /** Time until which messages are also signed by the previous secret. */
  readonly previousSecretUntil: Date | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

type Key = { readonly appId: string; readonly id: string };

/** Undefined when the app has the maximum number of endpoints. */
export async function insertWebhook(
  db: Db,
  args: Key & {
    readonly url: string;
    readonly description: string;
    readonly events: readonly WebhookEvent[];
    readonly sealed: Buffer;
    readonly createdBy: string;
    readonly now: Date;
  },
): Promise<WebhookEndpoint | undefined> {
  return await inTransaction(db, async (trx) => {
    // The lock makes simultaneous insertions count one after the other.
    await sql`select 1 from apps where id = ${args.appId} for no key update`.execute(trx);
    const { count } = await trx
      .selectFrom('webhook_endpoints')
      .select((eb) => eb.fn.countAll().as('count'))
      .where('app_id', '=', args.appId)
      .executeTakeFirstOrThrow();
    if (Number(count) >= MAX_WEBHOOKS) return undefined;
    const row = await trx
      .insertInto('webhook_endpoints')
      .values({
        id: args.id,
        app_id: args.appId,
        url: args.url,
        description: args.description,
        events: [...args.events],
        secret: args.sealed,
        created_by: args.createdBy,
        created_at: args.now,
        updated_at: args.now,
      })
      .returningAll()
      .executeTakeFirstOrThrow();
    return toEndpoint(row);
  });
}

export async function findWebhook(db: Db, { appId, id }: Key): Promise<WebhookEndpoint | undefined> {
  const row = await db
    .selectFrom('webhook_endpoints')
    .selectAll()
    .where('app_id', '=', appId)
    .where('id', '=', id)
    .executeTakeFirst();
  return row && toEndpoint(row);
}

export async function listWebhooks(db: Db, appId: string): Promise<WebhookEndpoint[]> {
  const rows = await db
    .selectFrom('webhook_endpoints')
    .selectAll()
    .where('app_id', '=', appId)
    .orderBy('created_at')
    .orderBy('id')
    .execute();
  return rows.map(toEndpoint);
}

/** Changes an endpoint. `disabled: false` also clears `failing_since`. */
export async function updateWebhook(
  db: Db,
  args: Key & {
    readonly url?: string | undefined;
    readonly description?: string | undefined;
    readonly events?: readonly WebhookEvent[] | undefined;
    readonly disabled?: boolean | undefined;
    readonly now: Date;
  },
): Promise<WebhookEndpoint | undefined> {
  const { appId, id, url, description, events, disabled, now } = args;
  return await inTransaction(db, async (trx) => {
    const row = await trx
      .updateTable('webhook_endpoints')
      .set({
        updated_at: now,
        ...(url === undefined ? {} : { url }),
        ...(description === undefined ? {} : { description }),
        ...(events === undefined ? {} : { events: [...events] }),
        ...(disabled === false ? { disabled_at: null, disabled_reason: null, failing_since: null } : {}),
      })
      .where('app_id', '=', appId)
      .where('id', '=', id)
      .returningAll()
      .executeTakeFirst();
    if (row === undefined || disabled !== true || row.disabled_at !== null) return row && toEndpoint(row);
    await disableWebhook(trx, { id, reason: 'by a person', now });
    return { ...toEndpoint(row), disabledAt: now, disabledReason: 'by a person' };
  });
}

/** Disables an endpoint and fails its pending deliveries, which can be replayed once it is enabled again. */
export async function disableWebhook(db: Db, args: { id: string; reason: string; now: Date }): Promise<void> {
  await db
    .updateTable('webhook_endpoints')
    .set({ disabled_at: args.now, disabled_reason: args.reason, updated_at: args.now })
    .where('id', '=', args.id)
    .where('disabled_at', 'is', null)
    .execute();
  await db
    .updateTable('webhook_deliveries')
    .set({
      status: 'failed',
      settled_at: args.now,
      last_error: sql<string>`coalesce(last_error, 'the endpoint was disabled')`,
    })
    .where('endpoint_id', '=', args.id)
    .where('status', '=', 'pending')
    .execute();
}

/** Replaces the secret. Messages are also signed by the old one until `previousUntil`. */
export async function rotateWebhookSecret(
  db: Db,
  args: Key & { readonly sealed: Buffer; readonly previousUntil: Date; readonly now: Date },
): Promise<WebhookEndpoint | undefined> {
  const row = await db
    .updateTable('webhook_endpoints')
    .set((eb) => ({
      previous_secret: eb.ref('secret'),
      previous_secret_until: args.previousUntil,
      secret: args.sealed,
      updated_at: args.now,
    }))
    .where('app_id', '=', args.appId)
    .where('id', '=', args.id)
    .returningAll()
    .executeTakeFirst();
  return row && toEndpoint(row);
}

export async function deleteWebhook(db: Db, { appId, id }: Key): Promise<boolean> {
  const { numDeletedRows } = await db
    .deleteFrom('webhook_endpoints')
    .where('app_id', '=', appId)
    .where('id', '=', id)
    .executeTakeFirst();
  return numDeletedRows > 0n;
}

function toEndpoint(row: Selectable<WebhookEndpointsTable>): WebhookEndpoint {
  return {
    id: row.id,
    url: row.url,
    description: row.description,
    events: row.events,
    disabledAt: row.disabled_at,
    disabledReason: row.disabled_reason,
    failingSince: row.failing_since,
    previousSecretUntil: row.previous_secret_until,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
