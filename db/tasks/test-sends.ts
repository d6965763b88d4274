import { sql, type Transaction } from 'kysely';
import { type Db, inTransaction } from '../core/database.ts';
import type { Schema } from '../schema/schema.ts';

export const MAX_TEST_DEVICES = 20;

export async function listTestDevices(db: Db, appId: string): Promise<string[]> {
  const rows = await db
    .selectFrom('test_devices')
    .select('device_id')
    .where('app_id', '=', appId)
    .orderBy('device_id')
    .execute();
  return rows.map((row) => row.device_id);
}

/** Replaces the list of test devices. Changes nothing and answers the unknown IDs when there are any. */
export async function replaceTestDevices(
  db: Db,
  { appId, deviceIds }: { appId: string; deviceIds: readonly string[] },
): Promise<string[]> {
  return await inTransaction(db, async (trx) => {
    await sql`select pg_advisory_xact_lock(hashtext('test'), hashtext(${appId}))`.execute(trx);
    const known = await trx
      .selectFrom('devices')
      .select('device_id')
      .where('app_id', '=', appId)
      .where('device_id', 'in', [...deviceIds, ''])
      .execute();
    const unknown = deviceIds.filter((id) => !known.some((row) => row.device_id === id));
    if (unknown.length > 0) return unknown;
    await trx.deleteFrom('test_devices').where('app_id', '=', appId).execute();
    const rows = deviceIds.map((device_id) => ({ app_id: appId, device_id }));
    if (rows.length > 0) await trx.insertInto('test_devices').values(rows).execute();
    return [];
  });
}

interface NewTestSend {
  readonly id: string;
  readonly appId: string;
  readonly taskId: string;
  readonly revision: number;
  readonly personId: string;
  readonly deviceIds: readonly string[];
  readonly now: Date;
}

export type NewTestSendFault = 'app_stopped' | 'rate_limited';

/** Undefined when the test was stored. Simultaneous tests take turns, so that each counts for the limit. */
export async function insertTestSend(
  trx: Transaction<Schema>,
  send: NewTestSend,
  perHour: number,
): Promise<NewTestSendFault | undefined> {
  const { id, appId, taskId, revision, personId, deviceIds, now } = send;
  const { stopped_at } = await trx
    .selectFrom('apps')
    .select('stopped_at')
    .where('id', '=', appId)
    .executeTakeFirstOrThrow();
  if (stopped_at !== null) return 'app_stopped';
  await sql`select pg_advisory_xact_lock(hashtext('test'), hashtext(${appId}))`.execute(trx);
  const { count } = await trx
    .selectFrom('test_sends')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('app_id', '=', appId)
    .where('at', '>', new Date(now.getTime() - 3_600_000))
    .executeTakeFirstOrThrow();
  if (count >= perHour) return 'rate_limited';
  const row = { id, app_id: appId, task_id: taskId, revision, person_id: personId, at: now, done_at: null };
  await trx.insertInto('test_sends').values(row).execute();
  const devices = deviceIds.map((device_id) => ({
    test_send_id: id,
    device_id,
    outcome: null,
    reason: null,
  }));
  await trx.insertInto('test_send_devices').values(devices).execute();
  return undefined;
}

/** Revision and devices of a test, without devices that were removed from the list of test devices. */
export async function findTestSend(db: Db, id: string) {
  const send = await db
    .selectFrom('test_sends')
    .innerJoin('apps', 'apps.id', 'test_sends.app_id')
    .select([
      'test_sends.app_id',
      'test_sends.task_id',
      'test_sends.revision',
      'test_sends.done_at',
      'apps.stopped_at',
    ])
    .where('test_sends.id', '=', id)
    .executeTakeFirstOrThrow();
  const devices = await db
    .selectFrom('test_send_devices as target')
    .innerJoin('test_devices as allowed', (join) =>
      join.onRef('allowed.device_id', '=', 'target.device_id').on('allowed.app_id', '=', send.app_id),
    )
    .innerJoin('devices as d', (join) =>
      join.onRef('d.device_id', '=', 'target.device_id').on('d.app_id', '=', send.app_id),
    )
    .select([
      'd.device_id',
      'd.platform',
      'd.channel',
      'd.token',
      'd.token_state',
      'd.locale',
      'd.attributes',
    ])
    .where('target.test_send_id', '=', id)
    .where('target.outcome', 'is', null)
    .execute();
  return { ...send, devices };
}

export async function recordTestResult(
  db: Db,
  id: string,
  { deviceId, outcome, reason }: { deviceId: string; outcome: string; reason: string | null },
): Promise<void> {
  await db
    .updateTable('test_send_devices')
    .set({ outcome, reason })
    .where('test_send_id', '=', id)
    .where('device_id', '=', deviceId)
    .execute();
}

export async function finishTestSend(db: Db, id: string, now: Date): Promise<void> {
  await db.updateTable('test_sends').set({ done_at: now }).where('id', '=', id).execute();
}

export interface TestSend {
  readonly id: string;
  readonly revision: number;
  readonly personId: string;
  readonly at: Date;
  readonly doneAt: Date | null;
  readonly devices: { deviceId: string; outcome: string | null; reason: string | null }[];
}

/** Lists the test sends of the task, newest first. */
export async function listTestSends(
  db: Db,
  { taskId, limit }: { taskId: string; limit: number },
): Promise<TestSend[]> {
  const sends = await db
    .selectFrom('test_sends')
    .select(['id', 'revision', 'person_id as personId', 'at', 'done_at as doneAt'])
    .where('task_id', '=', taskId)
    .orderBy('at', 'desc')
    .limit(limit)
    .execute();
  const devices = await db
    .selectFrom('test_send_devices')
    .select(['test_send_id', 'device_id as deviceId', 'outcome', 'reason'])
    .where('test_send_id', 'in', [...sends.map(({ id }) => id), ''])
    .orderBy('device_id')
    .execute();
  return sends.map((send) => ({
    ...send,
    devices: devices.flatMap(({ test_send_id, ...device }) => (test_send_id === send.id ? [device] : [])),
  }));
}
