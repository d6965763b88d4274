import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { preparePush, seedDevices } from '../../test/fixtures/push-fixture.ts';
import { useTestDatabase } from '../../test/setup/database.ts';
import { invalidateTokens } from './invalid-tokens.ts';

const database = useTestDatabase();
const registered = new Date('2026-11-22T10:00:00Z');
const minutesLater = (minutes: number) => new Date(registered.getTime() + minutes * 60_000);

/** A push to these devices, of which a push service then says that their tokens have been gone since. */
async function sendToGone(ids: readonly string[], before: () => Promise<unknown>, staleSince: Date) {
  const { db } = database;
  const devices = ids.map((id) => ({ id }));
  const app = await seedDevices(db, devices, registered);
  const { no, partitionStart } = await preparePush(db, app, {}, minutesLater(1));
  await before();
  const rows = await db
    .selectFrom('deliveries')
    .select('delivery_no as deliveryNo')
    .where('push_no', '=', no)
    .execute();
  const tokens = rows.map(({ deliveryNo }) => ({ deliveryNo, reason: 'Unregistered', staleSince }));
  await invalidateTokens(db, { pushNo: no, partitionStart, tokens });
  const states = await db
    .selectFrom('devices')
    .select(['device_id', 'token_state', 'invalid_reason'])
    .where('app_id', '=', app.appId)
    .execute();
  return Object.fromEntries(states.map((row) => [row.device_id, [row.token_state, row.invalid_reason]]));
}

async function register(id: string, token: string, at: Date): Promise<void> {
  await sql`update devices set token = ${token}, token_registered_at = ${at} where device_id = ${id}`.execute(
    database.db,
  );
}

test('a token is invalid that was registered before, or when, it was gone; one registered again after that stays', async () => {
  const goneAt = minutesLater(10);
  const states = await sendToGone(
    ['earlier', 'just-then', 'again', 'replaced'],
    async () => {
      await register('just-then', 'token-just-then', goneAt);
      await register('again', 'token-again', new Date(goneAt.getTime() + 1));
      // As if its clock were wrong: another token is never the one that was meant.
      await register('replaced', 'another-token', registered);
    },
    goneAt,
  );
  expect(states).toEqual({
    earlier: ['invalid', 'Unregistered'],
    'just-then': ['invalid', 'Unregistered'],
    again: ['active', null],
    replaced: ['active', null],
  });
});

test('only the devices of the named deliveries lose their tokens', async () => {
  const { db } = database;
  const app = await seedDevices(db, [{ id: 'one' }, { id: 'other' }], registered);
  const { no, partitionStart } = await preparePush(db, app, {}, minutesLater(1));
  const { deliveryNo } = await db
    .selectFrom('deliveries')
    .select('delivery_no as deliveryNo')
    .where('push_no', '=', no)
    .where('device_id', '=', 'one')
    .executeTakeFirstOrThrow();
  const tokens = [{ deliveryNo, reason: 'BadDeviceToken', staleSince: minutesLater(2) }];
  await invalidateTokens(db, { pushNo: no, partitionStart, tokens });
  const invalid = await db
    .selectFrom('devices')
    .select('device_id')
    .where('app_id', '=', app.appId)
    .where('token_state', '=', 'invalid')
    .execute();
  expect(invalid).toEqual([{ device_id: 'one' }]);
});
