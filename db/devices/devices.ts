import { sql, type Transaction, type UpdateObject } from 'kysely';
import { type Address, type AddressKind, USUAL_KIND } from '../../domain/devices/address.ts';
import type { Platform } from '../../domain/platform.ts';
import { PLATFORM_CODE } from '../../domain/pushes/delivery.ts';
import type { Db } from '../core/database.ts';
import { platformOf } from '../core/platform-code.ts';
import { withRetry } from '../core/retry.ts';
import type { Schema } from '../schema/schema.ts';
import { type IdentifierChanges, putIdentifiers } from './device-identifiers.ts';
import { type Device, type DeviceFields, type DeviceKey, fieldColumns, rowToDevice } from './device-rows.ts';
import { addressColumns, displaceToken } from './device-tokens.ts';

export interface DeviceChange extends DeviceKey {
  readonly fields: DeviceFields;
  /** Undefined leaves the address unchanged. */
  readonly address: Address | undefined;
  readonly identifiers: IdentifierChanges;
  readonly now: Date;
}

export interface Registration extends DeviceChange {
  readonly platform: Platform;
  readonly secretHash: Buffer;
  /** Hash of the device's current secret, which the caller has proved to know; null without a secret. */
  readonly provenHash: Buffer | null;
}

export interface DeviceProof {
  readonly hash: Buffer | null;
  readonly platform: Platform;
  readonly addressKind: AddressKind;
}

/** Undefined when the device does not exist. */
export async function findSecretHash(db: Db, key: DeviceKey): Promise<DeviceProof | undefined> {
  const row = await db
    .selectFrom('devices')
    .select(['secret_hash', 'platform', 'address_kind'])
    .where('app_id', '=', key.appId)
    .where('device_id', '=', key.deviceId)
    .executeTakeFirst();
  if (row === undefined) return undefined;
  const platform = platformOf(row.platform) ?? 'web';
  return { hash: row.secret_hash, platform, addressKind: row.address_kind ?? USUAL_KIND[platform] };
}

/** False when another caller registered the device after the proof was read. */
export async function registerDevice(db: Db, device: Registration): Promise<boolean> {
  return withRetry(() =>
    db.transaction().execute(async (trx) => {
      if (device.address !== undefined) await displaceToken(trx, device, device.address, device.now);
      const no = await upsertDevice(trx, device);
      if (no === undefined) return false;
      await putIdentifiers(trx, { appId: device.appId, no }, device.identifiers);
      return true;
    }),
  );
}

async function upsertDevice(trx: Transaction<Schema>, device: Registration): Promise<number | undefined> {
  const { now, provenHash } = device;
  const row = {
    platform: PLATFORM_CODE[device.platform],
    ...fieldColumns(device.fields),
    secret_hash: device.secretHash,
    last_active_at: now,
    updated_at: now,
  };
  const usual = addressColumns({ kind: USUAL_KIND[device.platform], token: null }, now);
  const address = device.address && addressColumns(device.address, now);
  const written = await trx
    .insertInto('devices')
    .values({
      attributes: '{}',
      tags: [],
      ...(address ?? usual),
      ...row,
      app_id: device.appId,
      device_id: device.deviceId,
      created_at: now,
    })
    .onConflict((conflict) =>
      conflict
        .columns(['app_id', 'device_id'])
        .doUpdateSet({ ...row, ...(address ?? unlessMoved(usual)) })
        .where(sql<boolean>`devices.secret_hash is not distinct from ${provenHash}`),
    )
    .returning('no')
    .executeTakeFirst();
  return written?.no;
}

/** Keeps the address of a known device, unless its platform changes. */
function unlessMoved(usual: ReturnType<typeof addressColumns>) {
  const isSame = sql`devices.platform = excluded.platform`;
  return {
    channel: sql<string>`case when ${isSame} then devices.channel else ${usual.channel} end`,
    address_kind: sql<AddressKind>`case
      when ${isSame} then devices.address_kind
      else ${usual.address_kind} end`,
    token: sql<string | null>`case when ${isSame} then devices.token end`,
    token_state: sql<'none'>`case when ${isSame} then devices.token_state else 'none' end`,
  };
}

/** Changes only the given fields. */
export async function refreshDevice(db: Db, device: DeviceChange): Promise<Device | undefined> {
  return withRetry(() =>
    db.transaction().execute(async (trx) => {
      if (device.address !== undefined) await displaceToken(trx, device, device.address, device.now);
      const row = await trx
        .updateTable('devices')
        .set({
          ...fieldColumns(device.fields),
          ...(device.address && addressColumns(device.address, device.now)),
          last_active_at: device.now,
          updated_at: device.now,
        })
        .where('app_id', '=', device.appId)
        .where('device_id', '=', device.deviceId)
        .returningAll()
        .executeTakeFirst();
      if (row === undefined) return undefined;
      await putIdentifiers(trx, { appId: device.appId, no: row.no }, device.identifiers);
      return rowToDevice(row, device.now);
    }),
  );
}

/**
 * `at`: time from which the user wants no messages; null when messages are wanted. A repeated call keeps the
 * first time.
 */
export async function setUnsubscribed(
  db: Db,
  device: DeviceKey & { at: Date | null; now: Date },
): Promise<Device | undefined> {
  const unsubscribed_at =
    device.at === null ? null : sql<Date>`coalesce(unsubscribed_at, ${device.at}::timestamptz)`;
  return await changeDevice(db, device, { unsubscribed_at });
}

/** A null user ID signs the user out on the device. */
export async function setUser(
  db: Db,
  device: DeviceKey & { userId: string | null; now: Date },
): Promise<Device | undefined> {
  return await changeDevice(db, device, { user_id: device.userId, last_active_at: device.now });
}

async function changeDevice(
  db: Db,
  { appId, deviceId, now }: DeviceKey & { now: Date },
  change: UpdateObject<Schema, 'devices'>,
): Promise<Device | undefined> {
  const row = await db
    .updateTable('devices')
    .set({ ...change, updated_at: now })
    .where('app_id', '=', appId)
    .where('device_id', '=', deviceId)
    .returningAll()
    .executeTakeFirst();
  return row && rowToDevice(row, now);
}

export async function findDevice(db: Db, key: DeviceKey, now: Date): Promise<Device | undefined> {
  const row = await db
    .selectFrom('devices')
    .selectAll()
    .where('app_id', '=', key.appId)
    .where('device_id', '=', key.deviceId)
    .executeTakeFirst();
  return row && rowToDevice(row, now);
}
