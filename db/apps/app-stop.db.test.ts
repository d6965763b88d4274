import { randomBytes } from 'node:crypto';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { newId } from '../../domain/ids.ts';
import { seedPerson, seedPush, seedTask } from '../../test/fixtures/ledger-fixture.ts';
import { useTestDatabase } from '../../test/setup/database.ts';
import { openDatabase } from '../core/database.ts';
import { openPush, shareLockOpenPush } from '../ledger/push-control.ts';
import { findAppStop, liftStop, listStopped, stopApp } from './app-stop.ts';

const database = useTestDatabase();
const now = new Date('2026-11-22T10:10:00Z');

async function seedStopRequest() {
  const person = await seedPerson(database.db, now);
  const origin = {
    id: newId('origin', randomBytes),
    appId: person.appId,
    keyId: 'key-0000000000',
    at: now,
    ip: '2001:db8::7',
    userAgent: 'curl',
  };
  return { ...person, origin, now };
}

test('a second stop changes nothing, and stop and resumption are in the audit once each', async () => {
  const { db } = database;
  const request = await seedStopRequest();
  await stopApp(db, { ...request, reason: 'Wrong price' });
  await stopApp(db, { ...request, reason: 'Another' });
  expect(await findAppStop(db, request)).toMatchObject({
    at: now,
    reason: 'Wrong price',
    by: { name: 'Mei' },
  });
  await liftStop(db, request);
  await liftStop(db, request);
  expect(await findAppStop(db, request)).toBeUndefined();
  const actions = await db
    .selectFrom('audit')
    .select('action')
    .where('app_id', '=', request.appId)
    .orderBy('no')
    .execute();
  expect(actions.map(({ action }) => action)).toEqual(['stop_app', 'resume_app']);
});

test('a stop does not wait for senders whose claims overlap without a gap', async () => {
  const request = await seedStopRequest();
  const taskId = await seedTask(database.db, request);
  const push = await seedPush(database.db, { ...request, taskId, startedAt: now, deliveries: [] });
  const { epoch } = await openPush(database.db, { pushNo: push.no, resume: true });
  const senders = openDatabase(database.url, 16);
  let claims = 0;
  const claim = async () =>
    await senders.db.transaction().execute(async (trx) => {
      const { rows } = await lockOpenOf(push.no, epoch).execute(trx);
      await sql`select pg_sleep(0.02)`.execute(trx);
      claims += rows.length;
      return rows.length > 0;
    });
  const loops = Array.from({ length: 16 }, async (_, index) => {
    await sql`select pg_sleep(${index * 0.002})`.execute(senders.db);
    while (await claim());
  });
  await expect.poll(() => claims).toBeGreaterThan(30);
  const startedAt = performance.now();
  await stopApp(database.db, { ...request, reason: 'Wrong price' });
  const ms = performance.now() - startedAt;
  const before = claims;
  await Promise.all(loops);
  await senders.db.destroy();
  expect(claims, 'claims after the stop was answered').toBe(before);
  expect(ms).toBeLessThan(1000);
});

test('only tasks that the stop paused are listed to resume, and only after the stop is lifted', async () => {
  const { db } = database;
  const request = await seedStopRequest();
  const [stopped, byHand] = [await seedTask(db, request), await seedTask(db, request)];
  await db.updateTable('tasks').set({ status: 'paused' }).where('app_id', '=', request.appId).execute();
  await db
    .updateTable('tasks')
    .set({ status_reason: 'the app is stopped' })
    .where('id', '=', stopped)
    .execute();
  await stopApp(db, { ...request, reason: 'Wrong price' });
  expect(await listStopped(db, { appId: request.appId, limit: 10 })).toEqual([]);
  await liftStop(db, request);
  const told = await listStopped(db, { appId: request.appId, limit: 10 });
  expect(told).toEqual([{ taskId: stopped, resumedBy: request.personId }]);
  expect(byHand).not.toBe(stopped);
});

function lockOpenOf(pushNo: number, epoch: number) {
  return sql`${shareLockOpenPush({ pushNo, epoch })}`;
}
