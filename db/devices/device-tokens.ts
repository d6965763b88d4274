import { sql, type Transaction } from 'kysely';
import { type Address, channelOfKind, LIVE_STATES, stateOfAddress } from '../../domain/devices/address.ts';
import type { Schema } from '../schema/schema.ts';
import type { DeviceKey } from './device-rows.ts';

export function addressColumns(address: Address, now: Date) {
  const { kind, token } = address;
  return {
    channel: channelOfKind(kind),
    address_kind: kind,
    token,
    token_state: stateOfAddress(address),
    token_registered_at: token === null ? null : now,
    invalid_reason: null,
  };
}

/** Takes the token from its previous device. A token belongs to the device that registered it last. */
export async function displaceToken(
  trx: Transaction<Schema>,
  { appId, deviceId }: DeviceKey,
  { kind, token }: Address,
  now: Date,
): Promise<void> {
  if (token === null) return;
  const channel = channelOfKind(kind);
  // Two devices that register one token at the same moment take turns.
  await sql`select pg_advisory_xact_lock(hashtextextended(${`${appId} ${channel} ${token}`}, 0))`.execute(
    trx,
  );
  for (const state of LIVE_STATES) {
    await trx
      .updateTable('devices')
      .set({ token_state: 'replaced', updated_at: now })
      .where('app_id', '=', appId)
      .where('channel', '=', channel)
      .where(sql<boolean>`md5(token) = md5(${token})`)
      .where('token_state', '=', sql.lit(state))
      .where('device_id', '<>', deviceId)
      .execute();
  }
}
