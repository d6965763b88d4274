import { createHash } from 'node:crypto';
import { sql } from 'kysely';
import type { Db } from '../core/database.ts';
import { withRetry } from '../core/retry.ts';
import { createEventMonths } from './event-months.ts';

export interface Event {
  /** Position in the batch. */
  readonly index: number;
  readonly id: string;
  readonly nameNo: number;
  /** Time by the server's clock. */
  readonly at: Date;
  readonly properties: Readonly<Record<string, unknown>>;
  /** The owner. An event of a device with a user is stored for that user. */
  readonly of: { readonly userId: string } | { readonly deviceId: string };
}

export type EventResult = 'counted' | 'duplicate' | 'unknown_device';

export interface EventBatch {
  readonly appId: string;
  readonly now: Date;
  readonly events: readonly Event[];
}

/** Stores a batch in one statement and answers the result of each event. A repeated batch changes nothing. */
export async function recordEvents(db: Db, batch: EventBatch): Promise<Map<number, EventResult>> {
  const results = new Map<number, EventResult>();
  const first = new Map<string, Event>();
  for (const event of batch.events) {
    const key = keyOf(batch.appId, event);
    if (first.has(key)) results.set(event.index, 'duplicate');
    else first.set(key, event);
  }
  if (first.size === 0) return results;
  await createEventMonths(
    db,
    [...first.values()].map(({ at }) => at),
  );
  for (const { key, result } of await withRetry(() => insertEvents(db, batch, first))) {
    const event = first.get(key);
    if (event !== undefined) results.set(event.index, result);
  }
  return results;
}

/** IDs are unique per user or device, so that IDs of others never hide an event. */
function keyOf(appId: string, { id, of }: Event): string {
  const owner = 'userId' in of ? ['u', of.userId] : ['d', of.deviceId];
  return createHash('sha256')
    .update([appId, ...owner, id].join('\n'))
    .digest('hex')
    .slice(0, 32);
}

/**
 * Stores events with new keys. Keys are inserted in sorted order, so that two batches with the same keys wait
 * for each other and do not deadlock.
 */
async function insertEvents(
  db: Db,
  { appId, now }: EventBatch,
  events: ReadonlyMap<string, Event>,
): Promise<{ key: string; result: EventResult }[]> {
  const all = [...events.values()];
  const { rows } = await sql<{ key: string; result: EventResult }>`
    with item as (
      -- An event of a device with a user is stored for that user.
      select given.key, given.at, given.name_no, given.properties,
        coalesce(given.user_id, d.user_id) as user_id,
        d.no as device_no
      from unnest(
        ${[...events.keys()]}::uuid[],
        ${all.map(({ at }) => at)}::timestamptz[],
        ${all.map(({ nameNo }) => nameNo)}::int[],
        ${all.map(({ properties }) => JSON.stringify(properties))}::jsonb[],
        ${all.map(({ of }) => ('userId' in of ? of.userId : null))}::text[],
        ${all.map(({ of }) => ('deviceId' in of ? of.deviceId : null))}::text[]
      ) given (key, at, name_no, properties, user_id, device_id)
      left join devices d on d.app_id = ${appId} and d.device_id = given.device_id
    ),
    fresh as (
      -- Only events with new keys are stored, so that no event counts twice.
      insert into event_keys (key, received_at)
      select key, ${now}::timestamptz
      from item
      where user_id is not null or device_no is not null
      order by key
      on conflict do nothing
      returning key
    ),
    stored as (
      insert into events (at, app_id, name_no, user_id, device_no, properties)
      select at, ${appId}, name_no, user_id, case when user_id is null then device_no end, properties
      from item
      join fresh using (key)
      returning name_no, device_no
    ),
    arrived as (
      -- Trigger tasks read the events that they wait for from here instead of from all events.
      insert into trigger_arrivals (app_id, name_no, user_id, at, properties)
      select ${appId}, name_no, user_id, at, properties
      from item
      join fresh using (key)
      where user_id is not null
        and name_no in (select name_no from triggers where app_id = ${appId})
    ),
    noted as (
      -- Rules consider devices without a user only for names that such devices have reported.
      update event_names
      set anonymous = true
      where not anonymous
        and no in (select name_no from stored where device_no is not null)
    )
    select replace(item.key::text, '-', '') as key,
      case
        when fresh.key is not null then 'counted'
        when user_id is null and device_no is null then 'unknown_device'
        else 'duplicate' end as result
    from item
    left join fresh using (key)`.execute(db);
  return rows;
}
