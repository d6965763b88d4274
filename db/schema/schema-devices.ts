import type { Generated } from 'kysely';
import type { AddressKind } from '../../domain/devices/address.ts';
import type { Int8 } from './int8.ts';

export interface DeviceIdentifiersTable {
  app_id: string;
  /** The place in IDENTIFIER_KINDS. */
  kind: number;
  /** MD5 or SHA-256, which their lengths tell apart. */
  digest: Buffer;
  device_no: Int8;
}

/** Tokens that have ended; a trigger on `devices` writes them. */
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

/** With which the app's own backend signs who its users are. */
export interface UserTokenKeysTable {
  app_id: string;
  key_id: string;
  alg: 'HS256' | 'ES256' | 'RS256';
  sealed: Buffer;
  created_at: Date;
}
