import { type RawBuilder, sql } from 'kysely';
import type { Platform } from '../../domain/platform.ts';
import { PLATFORM_CODE } from '../../domain/pushes/delivery.ts';
import type { Db } from '../core/database.ts';
import { type Device, inTokenState, rowToDevice, type ShownTokenState } from './device-rows.ts';

export interface DeviceFilter {
  readonly platform?: Platform | undefined;
  readonly channel?: string | undefined;
  readonly userId?: string | undefined;
  readonly tag?: string | undefined;
  readonly tokenState?: ShownTokenState | undefined;
  readonly unsubscribed?: boolean | undefined;
  /** Prefix of the device ID. */
  readonly deviceId?: string | undefined;
}

interface DeviceQuery {
  readonly appId: string;
  readonly filter: DeviceFilter;
  /** The device ID that the page starts after. */
  readonly after: string;
  readonly limit: number;
  readonly now: Date;
}

/** Lists devices in the indexed order of their IDs, so that new devices do not shift pages. */
export async function listDevices(db: Db, query: DeviceQuery): Promise<Device[]> {
  const rows = await db
    .selectFrom('devices')
    .selectAll()
    .where('app_id', '=', query.appId)
    .where('device_id', '>', query.after)
    .where((eb) => eb.and(conditions(query)))
    .orderBy('device_id')
    .limit(query.limit)
    .execute();
  return rows.map((row) => rowToDevice(row, query.now));
}

function conditions({ filter, now }: DeviceQuery): RawBuilder<boolean>[] {
  const { platform, channel, userId, tag, tokenState, unsubscribed, deviceId } = filter;
  return [
    platform === undefined ? undefined : sql<boolean>`platform = ${PLATFORM_CODE[platform]}`,
    channel === undefined ? undefined : sql<boolean>`channel = ${channel}`,
    userId === undefined ? undefined : sql<boolean>`user_id = ${userId}`,
    tag === undefined ? undefined : sql<boolean>`tags @> array[${tag}::text]`,
    tokenState === undefined ? undefined : inTokenState(tokenState, now),
    unsubscribed === undefined ? undefined : sql<boolean>`(unsubscribed_at is not null) = ${unsubscribed}`,
    deviceId === undefined ? undefined : sql<boolean>`starts_with(device_id, ${deviceId})`,
  ].filter((condition) => condition !== undefined);
}

export async function findDevices(
  db: Db,
  appId: string,
  numbers: readonly number[],
  now: Date,
): Promise<Device[]> {
  if (numbers.length === 0) return [];
  const rows = await db
    .selectFrom('devices')
    .selectAll()
    .where('app_id', '=', appId)
    .where('no', 'in', [...numbers])
    .orderBy('device_id')
    .execute();
  return rows.map((row) => rowToDevice(row, now));
}
