import { sql } from 'kysely';
import type { Db } from '../core/database.ts';
import { eraseDeliveries, listPushesWithDeliveries } from './erase-deliveries.ts';
import { deletion, numbersOf, PERSONAL_TABLES, type Subject } from './erase-registry.ts';

export interface Erasure {
  readonly devices: number;
  readonly deliveries: number;
  /** Rows of other tables: memberships, events. */
  readonly others: number;
  /**
   * Requests to push services without an answer: while there are any, their devices stay, silent. Ask again.
   */
  readonly inFlight: number;
}

const NOTHING: Erasure = { devices: 0, deliveries: 0, others: 0, inFlight: 0 };
const BATCH = 1_000;

interface EraseArgs {
  readonly appId: string;
  readonly userIds: readonly string[];
  readonly now: Date;
}

/**
 * Everything that the app knows of these users. In batches, each of its own transactions: run again after it
 * broke off, it goes on. Devices go last, because everything else is found by them.
 */
export async function eraseUsers(db: Db, { appId, userIds, now }: EraseArgs): Promise<Erasure> {
  let total = NOTHING;
  let after = 0;
  for (;;) {
    const devices = await silenceDevices(db, { appId, userIds, after, now });
    const erased = await eraseBatch(db, { appId, userIds, devices }, now);
    total = add(total, erased);
    const last = devices.at(-1);
    if (last === undefined || devices.length < BATCH) return total;
    after = last.no;
  }
}

/** Everything that the app knows of this device. Undefined when there is no such device. */
export async function eraseDevice(
  db: Db,
  { appId, deviceId, now }: { readonly appId: string; readonly deviceId: string; readonly now: Date },
): Promise<Erasure | undefined> {
  const silenced = await db
    .updateTable('devices')
    .set({
      token: null,
      token_state: 'none',
      unsubscribed_at: (eb) => eb.fn.coalesce('unsubscribed_at', eb.val(now)),
      updated_at: now,
    })
    .where('app_id', '=', appId)
    .where('device_id', '=', deviceId)
    .returning(['no', 'device_id as deviceId'])
    .executeTakeFirst();
  if (silenced === undefined) return undefined;
  return await eraseBatch(db, { appId, userIds: [], devices: [silenced] }, now);
}

function add(a: Erasure, b: Erasure): Erasure {
  return {
    devices: a.devices + b.devices,
    deliveries: a.deliveries + b.deliveries,
    others: a.others + b.others,
    inFlight: a.inFlight + b.inFlight,
  };
}

/** Pushes that are prepared after this commit do not send to the devices. */
async function silenceDevices(
  db: Db,
  { appId, userIds, after, now }: EraseArgs & { after: number },
): Promise<Subject['devices']> {
  const { rows } = await sql<{ no: number; deviceId: string }>`
    update devices d set
      token = null,
      token_state = 'none',
      unsubscribed_at = coalesce(unsubscribed_at, ${now}),
      updated_at = ${now}
    from (
      -- A batch, locked in the order of the numbers.
      select no
      from devices
      where app_id = ${appId} and user_id = any(${userIds}::text[]) and no > ${after}
      order by no
      limit ${BATCH}
      for update
    ) batch
    where d.no = batch.no
    returning d.no, d.device_id as "deviceId"`.execute(db);
  return rows.toSorted((a, b) => a.no - b.no);
}

async function eraseBatch(db: Db, subject: Subject, now: Date): Promise<Erasure> {
  const rows = await eraseRows(db, subject);
  const pushes = await listPushesWithDeliveries(db, subject.appId);
  const before = await erasePushes(db, pushes, subject, now);
  if (before.inFlight > 0) return { ...before, devices: 0, others: rows };
  const devices = await deleteDevices(db, subject);
  // Pushes that were prepared since the devices became silent have them among their losses.
  const settled = new Set(pushes.filter(({ mayGrow }) => !mayGrow).map(({ no }) => no));
  const after = await listPushesWithDeliveries(db, subject.appId);
  const grown = after.filter(({ no }) => !settled.has(no));
  const late = await erasePushes(db, grown, subject, now);
  return { devices, deliveries: before.deliveries + late.deliveries, others: rows, inFlight: 0 };
}

async function eraseRows(db: Db, subject: Subject): Promise<number> {
  let erased = 0;
  for (const table of Object.values(PERSONAL_TABLES)) {
    if (table.how !== 'delete') continue;
    const { rows } = await deletion(table, subject).execute(db);
    erased += rows[0]?.rows ?? 0;
  }
  return erased;
}

async function erasePushes(
  db: Db,
  pushes: readonly { readonly no: number }[],
  subject: Subject,
  now: Date,
): Promise<Erasure> {
  let total = NOTHING;
  for (const { no: pushNo } of pushes) {
    const { erased, inFlight } = await eraseDeliveries(db, { pushNo, subject, now });
    total = add(total, { ...NOTHING, deliveries: erased, inFlight });
  }
  return total;
}

async function deleteDevices(db: Db, { appId, devices }: Subject): Promise<number> {
  if (devices.length === 0) return 0;
  const { numDeletedRows } = await db
    .deleteFrom('devices')
    .where('app_id', '=', appId)
    .where('no', 'in', numbersOf(devices))
    .executeTakeFirst();
  return Number(numDeletedRows);
}
