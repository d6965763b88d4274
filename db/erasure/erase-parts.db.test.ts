import { sql } from 'kysely';
import { expect, test, vi } from 'vitest';
import { preparePush, seedDevices, soundFigures } from '../../test/fixtures/push-fixture.ts';
import { useTestDatabase } from '../../test/setup/database.ts';
import { deliveriesOf } from '../ledger/partitions.ts';
import { prepareNextPart } from '../preparation/prepare-next.ts';
import { eraseUsers } from './erase.ts';

/** A first part of 20,000, and one more. */
const DEVICES = 60_000;
/** A busy machine takes more than the second that Vitest allows by default. */
const SLOW = { timeout: 30_000 };
const now = new Date('2026-11-22T10:10:00Z');
const database = useTestDatabase();

test('a user who is erased while a part of an audience is written is not sent to, and named in no row', async () => {
  const { db } = database;
  const app = await seedDevices(db, [], now);
  const { appId } = app;
  await sql`
    insert into devices
      (app_id, device_id, platform, channel, token, token_state, token_registered_at, created_at, updated_at)
    select ${appId}, 'd' || i, 0, 'apns', 't' || i, 'active', ${now}, ${now}, ${now}
    from generate_series(1, ${DEVICES}::int) i`.execute(db);
  await sql`update devices set user_id = 'ann' where app_id = ${appId} and device_id = 'd50000'`.execute(db);
  const push = await preparePush(db, app, {}, now);
  const { no: pushNo, partitionStart, definition, prepared } = push;
  const { lastLease = -1 } = prepared;
  await db.updateTable('pushes').set({ status: 'sending' }).where('no', '=', pushNo).execute();

  // The part waits before its commit for the transaction that has made its first lease.
  const inTheWay = await db.startTransaction().execute();
  await sql`insert into leases (push_no, lease_no, first_no, last_no, claimed_to, pending)
    values (${pushNo}, ${lastLease + 1}, 1, 1, 0, '{}')`.execute(inTheWay);
  const part = prepareNextPart(db, { pushNo, appId, definition, lastLease, now });
  await vi.waitUntil(() => isAnybodyWaiting('transactionid'), SLOW);
  const erased = eraseUsers(db, { appId, userIds: ['ann'], now });
  await vi.waitUntil(() => isAnybodyWaiting('advisory'), SLOW);
  await inTheWay.rollback().execute();

  expect((await part).planned).toBe(DEVICES);
  expect(await erased).toMatchObject({ devices: 1, deliveries: 1, inFlight: 0 });
  const { rows } = await sql<object>`
    select device_id, device_no, token, status, reason from ${deliveriesOf(partitionStart)}
    where push_no = ${pushNo} and status <> 0`.execute(db);
  expect(rows).toEqual([
    { device_id: '', device_no: null, token: null, status: expect.any(Number), reason: 'cancelled' },
  ]);
  await soundFigures(db, push, now);
});

async function isAnybodyWaiting(locktype: string): Promise<boolean> {
  const { rows } = await sql`select from pg_locks where locktype = ${locktype} and not granted`.execute(
    database.db,
  );
  return rows.length > 0;
}
