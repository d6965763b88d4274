import { createHash } from 'node:crypto';
import { type AddressKind, LIVE_STATES } from '../../domain/devices/address.ts';
import type { Db } from '../core/database.ts';
import type { DeviceKey, ShownTokenState } from './device-rows.ts';
import { findDevice } from './devices.ts';

/** A token that a device has or had. The token itself is never shown. */
export interface TokenPeriod {
  readonly channel: string;
  readonly addressKind: AddressKind | null;
  readonly state: ShownTokenState;
  readonly reason: string | null;
  /** Start of the token's SHA-256, to tell tokens apart. */
  readonly fingerprint: string;
  readonly registeredAt: Date | null;
  readonly endedAt: Date | null;
}

/** The current token and the last twenty that ended, newest first. Undefined when no such device exists. */
export async function listTokens(db: Db, key: DeviceKey, now: Date): Promise<TokenPeriod[] | undefined> {
  const device = await findDevice(db, key, now);
  if (device === undefined) return undefined;
  const current = await currentToken(db, key);
  const ended = await db
    .selectFrom('device_tokens as t')
    .innerJoin('devices as d', 'd.no', 't.device_no')
    .select([
      't.channel',
      't.address_kind',
      't.state',
      't.reason',
      't.registered_at',
      't.ended_at',
      't.token_hash',
    ])
    .where('d.app_id', '=', key.appId)
    .where('d.device_id', '=', key.deviceId)
    .orderBy('t.no', 'desc')
    .execute();
  const periods = ended.map((row) => ({
    channel: row.channel,
    addressKind: row.address_kind,
    state: row.state,
    reason: row.reason,
    fingerprint: fingerprintOf(row.token_hash),
    registeredAt: row.registered_at,
    endedAt: row.ended_at,
  }));
  if (current === undefined) return periods;
  const { channel, addressKind, tokenState } = device;
  return [{ channel, addressKind, state: tokenState, reason: null, ...current, endedAt: null }, ...periods];
}

/** The token while it is live. A token that has ended is in the history. */
async function currentToken(db: Db, { appId, deviceId }: DeviceKey) {
  const row = await db
    .selectFrom('devices')
    .select(['token', 'token_registered_at'])
    .where('app_id', '=', appId)
    .where('device_id', '=', deviceId)
    .where('token_state', 'in', [...LIVE_STATES])
    .executeTakeFirst();
  if (row === undefined || row.token === null) return undefined;
  const fingerprint = fingerprintOf(createHash('sha256').update(row.token).digest());
  return { fingerprint, registeredAt: row.token_registered_at };
}

function fingerprintOf(hash: Buffer): string {
  return hash.toString('hex', 0, 6);
}
