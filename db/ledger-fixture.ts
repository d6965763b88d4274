import { randomBytes } from 'node:crypto';
import { type DeliveryStatus, PLATFORM_CODE, SEND_RESULTS, STATUS_CODE } from '../domain/delivery.ts';
import { newId, pushIdOf } from '../domain/ids.ts';
import type { Platform } from '../domain/platform.ts';
import { TaskDefinition } from '../domain/task-definition.ts';
import type { PushStatus } from '../domain/task-status.ts';
import { CounterDeltas, NO_HOUR } from './counters.ts';
import type { Db } from './database.ts';
import { NO_PLATFORM } from './platform-code.ts';
import { recountRows } from './recount.ts';
import { SENT } from './send-result.ts';
import { createSlot, slotOf } from './slots.ts';
import { insertTask } from './tasks.ts';

/**
 * For tests: a push as preparing and sending would leave it, its counters and leases in step with its rows.
 */
export interface SeededPush {
  readonly no: number;
  readonly id: string;
  readonly slot: Date;
  readonly startedAt: Date;
  readonly windowEndsAt: Date;
}

export interface SeededDelivery {
  readonly status: DeliveryStatus;
  readonly platform: Platform | null;
  readonly reason?: string;
  readonly deviceId?: string;
  /** Which message of its content the device gets. */
  readonly variant?: number;
}

export async function seedPerson(
  db: Db,
  now: Date,
  appId = newId('app', randomBytes),
): Promise<{ appId: string; personId: string }> {
  const personId = newId('person', randomBytes);
  await db
    .insertInto('apps')
    .values({ id: appId, name: 'Shop', time_zone: 'Asia/Shanghai', stopped_at: null, created_at: now })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  await db
    .insertInto('people')
    .values({ id: personId, app_id: appId, name: 'Mei', role: 'marketer', created_at: now })
    .execute();
  return { appId, personId };
}

export async function seedTask(
  db: Db,
  args: { appId: string; personId: string; now: Date; name?: string; content?: object },
): Promise<string> {
  const taskId = newId('task', randomBytes);
  const definition = TaskDefinition.parse({
    audience: { id: newId('audience', randomBytes), version: 1 },
    pushType: 'single',
    content: { title: 'Sale', body: 'Today only', ...args.content },
  });
  await insertTask(db, {
    id: taskId,
    appId: args.appId,
    name: args.name ?? 'Sale',
    definition,
    creator: args.personId,
    now: args.now,
  });
  return taskId;
}

/** A statement has at most 65,535 parameters. */
const INSERT_ROWS = 2_000;

export async function seedPush(
  db: Db,
  args: {
    appId: string;
    taskId: string;
    startedAt: Date;
    deliveries: readonly SeededDelivery[];
    seq?: number;
    revision?: number;
    status?: PushStatus;
  },
): Promise<SeededPush> {
  const { startedAt } = args;
  const slot = slotOf(startedAt);
  const windowMs = 72 * 3_600_000;
  const windowEndsAt = new Date(startedAt.getTime() + windowMs);
  const id = pushIdOf(args.taskId, args.seq ?? 1);
  await createSlot(db, slot);
  return await db.transaction().execute(async (trx) => {
    const { no } = await trx
      .insertInto('pushes')
      .values({
        id,
        app_id: args.appId,
        task_id: args.taskId,
        seq: args.seq ?? 1,
        revision: args.revision ?? 1,
        status: args.status ?? 'collecting',
        status_reason: null,
        due_at: startedAt,
        slot,
        started_at: startedAt,
        window_ends_at: windowEndsAt,
        window_ms: windowMs,
        finalised_at: null,
        details_deleted_at: null,
        created_at: startedAt,
      })
      .returning('no')
      .executeTakeFirstOrThrow();
    await trx.insertInto('push_control').values({ push_no: no, wanted: null }).execute();
    const rows = args.deliveries.map((delivery, index) =>
      deliveryRow(delivery, { slot, pushNo: no, n: index + 1, startedAt }),
    );
    for (let from = 0; from < rows.length; from += INSERT_ROWS) {
      await trx
        .insertInto('deliveries')
        .values(rows.slice(from, from + INSERT_ROWS))
        .execute();
    }
    await seedCounters(trx, { pushNo: no, slot, size: rows.length });
    return { no, id, slot, startedAt, windowEndsAt };
  });
}

function deliveryRow(
  delivery: SeededDelivery,
  key: { slot: Date; pushNo: number; n: number; startedAt: Date },
) {
  return {
    slot: key.slot,
    push_no: key.pushNo,
    n: key.n,
    device_no: null,
    device_id: delivery.deviceId ?? `device-${key.n}`,
    platform: delivery.platform === null ? null : PLATFORM_CODE[delivery.platform],
    channel: delivery.platform === 'ios' ? 'apns' : 'fcm',
    token: `token-${key.n}`,
    status: STATUS_CODE[delivery.status],
    reason: delivery.reason ?? null,
    settled_at: SENT.includes(STATUS_CODE[delivery.status]) ? key.startedAt : null,
    variant: delivery.variant ?? null,
    delivered_at: null,
    impression_at: null,
    open_at: null,
    dismissed_at: null,
  };
}

const OUTCOMES: ReadonlySet<string> = new Set(SEND_RESULTS);

/** All is sent in the first hour. */
async function seedCounters(
  db: Db,
  { pushNo, slot, size }: { pushNo: number; slot: Date; size: number },
): Promise<void> {
  const groups = await recountRows(db, { pushNo, slot });
  const deltas = new CounterDeltas();
  const pending = [0, 0, 0];
  for (const group of groups) {
    const code = group.platform ?? NO_PLATFORM;
    for (const { value, ...key } of group.counters) {
      deltas.add(pushNo, key, value, OUTCOMES.has(key.metric) ? 0 : NO_HOUR);
    }
    if (group.status === STATUS_CODE.pending || group.status === STATUS_CODE.retry) {
      pending[code] = (pending[code] ?? 0) + group.rows;
    }
  }
  await deltas.write(db, 0);
  await db
    .insertInto('leases')
    .values({
      push_no: pushNo,
      lease_no: 0,
      from_n: 1,
      to_n: Math.max(1, size),
      mark_n: 0,
      draining_until: null,
      pending,
    })
    .execute();
}
