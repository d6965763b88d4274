import type { Generated } from 'kysely';
import type { AddressKind } from '../../domain/devices/address.ts';
import type { Int8 } from './int8.ts';

export interface DeviceIdentifiersTable {
  app_id: string;
  /** Index into IDENTIFIER_KINDS. */
  kind: number;
  /** MD5 or SHA-256, distinguished by length. */
  digest: Buffer;
  device_no: Int8;
}

/** Tokens that have ended, written by a trigger on `devices`. */
export interface DeviceTokensTable {
  device_no: Int8;
  no: Generated<Int8>;
  channel: string;
  address_kind: AddressKind | null;
  token_hash: Buffer;
  state: 'invalid' | 'replaced';
  reason: string;
  registered_at: Date | null;
  ended_at: Date;
}

/** Keys with which the app's own backend signs the identity of its users. */
export interface UserTokenKeysTable {
  app_id: string;
  key_id: string;
  alg: 'HS256' | 'ES256' | 'RS256';
  sealed: Buffer;
  created_at: Date;
}
