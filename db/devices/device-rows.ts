import { type RawBuilder, type Selectable, sql } from 'kysely';
import { type AddressKind, staleBefore, type TokenState, USUAL_KIND } from '../../domain/devices/address.ts';
import type { Attributes } from '../../domain/devices/device.ts';
import type { Platform } from '../../domain/platform.ts';
import { platformOf } from '../core/platform-code.ts';
import type { DevicesTable } from '../schema/schema.ts';

export interface DeviceKey {
  readonly appId: string;
  readonly deviceId: string;
}

/** Undefined fields stay unchanged. */
export interface DeviceFields {
  readonly timeZone?: string | null | undefined;
  readonly locale?: string | null | undefined;
  readonly appVersion?: string | null | undefined;
  readonly attributes?: Attributes | undefined;
  readonly tags?: readonly string[] | undefined;
}

/** `stale`: an active token of a device that was not seen for 30 days. */
export type ShownTokenState = TokenState | 'stale';

export interface Device {
  readonly deviceId: string;
  readonly platform: Platform;
  readonly channel: string;
  readonly addressKind: AddressKind;
  readonly tokenState: ShownTokenState;
  readonly userId: string | null;
  readonly timeZone: string | null;
  readonly locale: string | null;
  readonly appVersion: string | null;
  readonly attributes: Record<string, unknown>;
  readonly tags: string[];
  readonly lastActiveAt: Date | null;
  readonly unsubscribedAt: Date | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export function rowToDevice(row: Selectable<DevicesTable>, now: Date): Device {
  const platform = platformOf(row.platform) ?? 'web';
  return {
    deviceId: row.device_id,
    platform,
    channel: row.channel,
    addressKind: row.address_kind ?? USUAL_KIND[platform],
    tokenState: shownState(row, now),
    userId: row.user_id,
    timeZone: row.time_zone,
    locale: row.locale,
    appVersion: row.app_version,
    attributes: row.attributes,
    tags: row.tags,
    lastActiveAt: row.last_active_at,
    unsubscribedAt: row.unsubscribed_at,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

export function fieldColumns({ timeZone, locale, appVersion, attributes, tags }: DeviceFields) {
  return {
    ...(timeZone === undefined ? {} : { time_zone: timeZone }),
    ...(locale === undefined ? {} : { locale }),
    ...(appVersion === undefined ? {} : { app_version: appVersion }),
    ...(attributes === undefined ? {} : { attributes: JSON.stringify(attributes) }),
    ...(tags === undefined ? {} : { tags: [...tags] }),
  };
}

type Seen = Pick<Selectable<DevicesTable>, 'token_state' | 'last_active_at' | 'token_registered_at'>;

function shownState(row: Seen, now: Date): ShownTokenState {
  const seenAt = row.last_active_at ?? row.token_registered_at;
  const isStale = row.token_state === 'active' && seenAt !== null && seenAt < staleBefore(now);
  return isStale ? 'stale' : row.token_state;
}

/** The shown token state as a condition on `devices`. */
export function inTokenState(state: ShownTokenState, now: Date): RawBuilder<boolean> {
  if (state !== 'stale' && state !== 'active') return sql`token_state = ${state}`;
  const isStale = sql`coalesce(coalesce(last_active_at, token_registered_at) < ${staleBefore(now)}, false)`;
  return state === 'stale'
    ? sql`(token_state = 'active' and ${isStale})`
    : sql`(token_state = 'active' and not ${isStale})`;
}
