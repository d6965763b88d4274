import { type Kysely, type Selectable, sql } from 'kysely';
import { PLATFORM_CODE } from '../domain/delivery.ts';
import type { Attributes } from '../domain/device.ts';
import type { Channel, Platform } from '../domain/platform.ts';
import type { Db } from './database.ts';
import { platformOf } from './platform-code.ts';
import { withRetry } from './retry.ts';
import type { DevicesTable, Schema } from './schema.ts';

export interface DeviceFields {
  readonly token?: string | null | undefined;
  readonly timeZone?: string | null | undefined;
  readonly locale?: string | null | undefined;
  readonly appVersion?: string | null | undefined;
  readonly attributes?: Attributes | undefined;
  readonly tags?: readonly string[] | undefined;
}
export interface DeviceKey {
  readonly appId: string;
  readonly deviceId: string;
}
export interface Device {
  readonly deviceId: string;
  readonly platform: Platform;
  readonly channel: string;
  readonly tokenState: DevicesTable['token_state'];
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

export interface Registration extends DeviceKey {
  readonly platform: Platform;
  readonly channel: Channel;
  readonly fields: DeviceFields;
  readonly secretHash: Buffer;
  /** The secret hash that the device has now, which the caller has proved to know; null when it has none. */
  readonly provenHash: Buffer | null;
  readonly now: Date;
}

/** Undefined: there is no such device. */
export async function findSecretHash(
  db: Db,
  key: DeviceKey,
): Promise<{ hash: Buffer | null; channel: Channel } | undefined> {
  const row = await db
    .selectFrom('devices')
    .select(['secret_hash', 'channel'])
    .where('app_id', '=', key.appId)
    .where('device_id', '=', key.deviceId)
    .executeTakeFirst();
  return row && { hash: row.secret_hash, channel: row.channel === 'apns' ? 'apns' : 'fcm' };
}

/** False when somebody else registered the device in between. */
export async function registerDevice(db: Db, device: Registration): Promise<boolean> {
  const row = {
    platform: PLATFORM_CODE[device.platform],
    channel: device.channel,
    ...toColumns(device.fields, device.now),
    secret_hash: device.secretHash,
    last_active_at: device.now,
    updated_at: device.now,
  };
  return withRetry(() =>
    db.transaction().execute(async (trx) => {
      await displaceToken(trx, device, device.channel, device.fields.token, device.now);
      const written = await trx
        .insertInto('devices')
        .values({
          ...NEW_DEVICE,
          ...row,
          app_id: device.appId,
          device_id: device.deviceId,
          created_at: device.now,
        })
        .onConflict((conflict) =>
          conflict
            .columns(['app_id', 'device_id'])
            .doUpdateSet(row)
            .where(sql<boolean>`devices.secret_hash is not distinct from ${device.provenHash}`),
        )
        .returning('no')
        .executeTakeFirst();
      return written !== undefined;
    }),
  );
}

const NEW_DEVICE = { token: null, token_state: 'none' as const, attributes: '{}', tags: [] };

/** Changes only the fields that are given. */
export async function refreshDevice(
  db: Db,
  device: DeviceKey & { fields: DeviceFields; now: Date },
): Promise<Device | undefined> {
  return withRetry(() =>
    db.transaction().execute(async (trx) => {
      const found = await findRow(trx, device);
      if (found === undefined) return undefined;
      await displaceToken(trx, device, found.channel, device.fields.token, device.now);
      const row = await trx
        .updateTable('devices')
        .set({ ...toColumns(device.fields, device.now), last_active_at: device.now, updated_at: device.now })
        .where('no', '=', found.no)
        .returningAll()
        .executeTakeFirst();
      return row && rowToDevice(row);
    }),
  );
}

/** `at`: since when the user wants no messages; null when they do. The first time stays. */
export async function setUnsubscribed(
  db: Db,
  device: DeviceKey & { at: Date | null; now: Date },
): Promise<Device | undefined> {
  const row = await db
    .updateTable('devices')
    .set({
      unsubscribed_at: device.at === null ? null : sql<Date>`coalesce(unsubscribed_at, ${device.at})`,
      updated_at: device.now,
    })
    .where('app_id', '=', device.appId)
    .where('device_id', '=', device.deviceId)
    .returningAll()
    .executeTakeFirst();
  return row && rowToDevice(row);
}

export async function findDevice(db: Db, key: DeviceKey): Promise<Device | undefined> {
  const row = await findRow(db, key);
  return row && rowToDevice(row);
}

function findRow(db: Kysely<Schema>, key: DeviceKey) {
  return db
    .selectFrom('devices')
    .selectAll()
    .where('app_id', '=', key.appId)
    .where('device_id', '=', key.deviceId)
    .executeTakeFirst();
}

/** A token belongs to the device that registered it last. */
async function displaceToken(
  trx: Kysely<Schema>,
  { appId, deviceId }: DeviceKey,
  channel: string,
  token: string | null | undefined,
  now: Date,
): Promise<void> {
  if (token === undefined || token === null) return;
  // Two devices that register one token at the same moment do so one after the other.
  await sql`select pg_advisory_xact_lock(hashtextextended(${`${appId} ${channel} ${token}`}, 0))`.execute(
    trx,
  );
  await trx
    .updateTable('devices')
    .set({ token_state: 'replaced', updated_at: now })
    .where('app_id', '=', appId)
    .where('channel', '=', channel)
    .where(sql<boolean>`md5(token) = md5(${token})`)
    .where('token_state', '=', 'active')
    .where('device_id', '<>', deviceId)
    .execute();
}

function toColumns(fields: DeviceFields, now: Date) {
  const { token, timeZone, locale, appVersion, attributes, tags } = fields;
  return {
    ...(token === undefined ? {} : tokenColumns(token, now)),
    ...(timeZone === undefined ? {} : { time_zone: timeZone }),
    ...(locale === undefined ? {} : { locale }),
    ...(appVersion === undefined ? {} : { app_version: appVersion }),
    ...(attributes === undefined ? {} : { attributes: JSON.stringify(attributes) }),
    ...(tags === undefined ? {} : { tags: [...tags] }),
  };
}

function tokenColumns(token: string | null, now: Date) {
  const isNone = token === null;
  return {
    token,
    token_state: isNone ? ('none' as const) : ('active' as const),
    token_registered_at: isNone ? null : now,
    invalid_reason: null,
  };
}

function rowToDevice(row: Selectable<DevicesTable>): Device {
  return {
    deviceId: row.device_id,
    platform: platformOf(row.platform) ?? 'web',
    channel: row.channel,
    tokenState: row.token_state,
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
