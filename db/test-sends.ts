import { sql } from 'kysely';
import { atomically, type Db } from './database.ts';

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

/** Answers the IDs that no device of the app has; then nothing was changed. */
export async function replaceTestDevices(
  db: Db,
  { appId, deviceIds }: { appId: string; deviceIds: readonly string[] },
): Promise<string[]> {
  return await atomically(db, async (trx) => {
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

/** Says false, and stores nothing, when the app has made so many within the hour. Two at once take turns. */
export async function insertTestSend(trx: Db, send: NewTestSend, perHour: number): Promise<boolean> {
  const { id, appId, taskId, revision, personId, deviceIds, now } = send;
  await sql`select pg_advisory_xact_lock(hashtext('test'), hashtext(${appId}))`.execute(trx);
  const { count } = await trx
    .selectFrom('test_sends')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('app_id', '=', appId)
    .where('at', '>', new Date(now.getTime() - 3_600_000))
    .executeTakeFirstOrThrow();
  if (count >= perHour) return false;
  const row = { id, app_id: appId, task_id: taskId, revision, person_id: personId, at: now, done_at: null };
  await trx.insertInto('test_sends').values(row).execute();
  const devices = deviceIds.map((device_id) => ({
    test_send_id: id,
    device_id,
    outcome: null,
    reason: null,
  }));
  await trx.insertInto('test_send_devices').values(devices).execute();
  return true;
}

/** What a test is to send, and to whom: only devices that are still on the list, of an app that is not stopped. */
export async function findTestSend(db: Db, id: string) {
  const send = await db
    .selectFrom('test_sends as s')
    .innerJoin('apps as a', 'a.id', 's.app_id')
    .select(['s.app_id', 's.task_id', 's.revision', 's.done_at', 'a.stopped_at'])
    .where('s.id', '=', id)
    .executeTakeFirstOrThrow();
  const devices = await db
    .selectFrom('test_send_devices as t')
    .innerJoin('test_devices as w', (join) =>
      join.onRef('w.device_id', '=', 't.device_id').on('w.app_id', '=', send.app_id),
    )
    .innerJoin('devices as d', (join) =>
      join.onRef('d.device_id', '=', 't.device_id').on('d.app_id', '=', send.app_id),
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
    .where('t.test_send_id', '=', id)
    .where('t.outcome', 'is', null)
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

/** The last ones first. */
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
