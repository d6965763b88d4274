import { IDENTIFIER_KINDS } from '../../domain/devices/identifier.ts';
import type { DateOrder } from './values.ts';

export const DEVICE_COLUMNS = [
  'device_id',
  'platform',
  'token',
  'address_kind',
  'user_id',
  'time_zone',
  'locale',
  'app_version',
  'tags',
  'attributes',
  'last_active_at',
  'unsubscribed',
  'unsubscribed_at',
  'subscribed',
  ...IDENTIFIER_KINDS,
] as const;
export type DeviceColumn = (typeof DEVICE_COLUMNS)[number];

/** Names that other products give to our columns. */
export const DEVICE_ALIASES: Readonly<Record<string, DeviceColumn>> = {
  pushtoken: 'token',
  devicetoken: 'token',
  os: 'platform',
  lastactive: 'last_active_at',
  unsubscribe: 'unsubscribed',
  isunsubscribed: 'unsubscribed',
  hasoptedout: 'unsubscribed',
  pushoptout: 'unsubscribed',
  isoptedout: 'unsubscribed',
  optoutdate: 'unsubscribed_at',
  optoutat: 'unsubscribed_at',
  optedoutat: 'unsubscribed_at',
  unsubscribeddate: 'unsubscribed_at',
  issubscribed: 'subscribed',
  pushenabled: 'subscribed',
  notificationsenabled: 'subscribed',
  optout: 'unsubscribed',
  optedout: 'unsubscribed',
  optin: 'subscribed',
  optedin: 'subscribed',
};

/** Fields of our own export that only the product itself sets. */
export const UNSET_COLUMNS = ['channel', 'tokenstate', 'createdat', 'updatedat'] as const;

/** A row before its checks. Columns that the file or the row lacks are undefined. */
export type RawDevice = { readonly [Column in DeviceColumn]?: unknown } & {
  /** Unknown columns that become attributes. */
  readonly extra?: Readonly<Record<string, unknown>>;
};

export interface RowContext {
  readonly now: Date;
  readonly dateOrder?: DateOrder | undefined;
}

/** The platform of addresses that get no push, in the presets of other products. */
export const NO_PUSH = 'no push';
