import { digestsOf, type IdentifierChanges } from '../../db/devices/device-identifiers.ts';
import type { DeviceImportRow } from '../../db/devices/device-import.ts';
import {
  ADDRESS_KINDS,
  type AddressKind,
  addressFault,
  fitsPlatform,
  normalToken,
  USUAL_KIND,
} from '../../domain/devices/address.ts';
import { EXTERNAL_ID, LIMITS } from '../../domain/devices/device.ts';
import { IDENTIFIER_KINDS, isZeroDeviceId } from '../../domain/devices/identifier.ts';
import { readSubscription, subscriptionToken } from '../../domain/devices/web-push.ts';
import { isStorable } from '../../domain/plain-text.ts';
import { PLATFORMS, type Platform } from '../../domain/platform.ts';
import { isTimeZone } from '../../domain/time/time-zone.ts';

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
  ...IDENTIFIER_KINDS,
] as const;
export type DeviceColumn = (typeof DEVICE_COLUMNS)[number];

/** A row before its checks. Columns that the file or the row lacks are undefined. */
export type RawDevice = { readonly [Column in DeviceColumn]?: unknown };

export class RowFault extends Error {
  override name = 'RowFault';
  readonly field: string | null;

  constructor(field: string | null, reason: string) {
    super(reason);
    this.field = field;
  }
}

/** Throws a RowFault. Undefined columns keep the value of a known device, and empty columns clear it. */
export function toDeviceRow(line: number, raw: RawDevice): DeviceImportRow {
  const deviceId = idOf('device_id', raw.device_id);
  if (deviceId === undefined || deviceId === null) throw new RowFault('device_id', 'missing');
  if (isZeroDeviceId(deviceId)) throw new RowFault('device_id', 'all_zeros');
  const platform = PLATFORMS.find((name) => name === raw.platform);
  if (platform === undefined) throw new RowFault('platform', 'unknown_platform');
  const addressKind = kindOf(platform, raw);
  const timeZone = textOf('time_zone', raw.time_zone, 64);
  if (timeZone && !isTimeZone(timeZone)) throw new RowFault('time_zone', 'unknown_time_zone');
  return {
    line,
    deviceId,
    platform,
    addressKind,
    token: tokenOf(addressKind ?? USUAL_KIND[platform], raw.token),
    userId: idOf('user_id', raw.user_id),
    timeZone,
    locale: textOf('locale', raw.locale, LIMITS.locale),
    appVersion: textOf('app_version', raw.app_version, LIMITS.appVersion),
    tags: tagsOf(raw.tags),
    attributes: attributesOf(raw.attributes),
    lastActiveAt: timeOf(raw.last_active_at),
    unsubscribed: flagOf(raw.unsubscribed),
    identifiers: identifiersOf(raw),
  };
}

function kindOf(platform: Platform, raw: RawDevice): AddressKind | undefined {
  if (isEmpty(raw.address_kind)) return undefined;
  const kind = ADDRESS_KINDS.find((name) => name === raw.address_kind);
  if (kind === undefined || !fitsPlatform(kind, platform)) {
    throw new RowFault('address_kind', kind === undefined ? 'unknown_address_kind' : 'not_of_this_platform');
  }
  if (raw.token === undefined) throw new RowFault('token', 'missing');
  return kind;
}

function tokenOf(kind: AddressKind, value: unknown): string | null | undefined {
  const text = textOf('token', value, 4096);
  if (!text) return text;
  if (addressFault(kind, text) !== undefined) throw new RowFault('token', 'invalid_token');
  const subscription = kind === 'web_push' ? readSubscription(text) : undefined;
  return subscription === undefined ? normalToken(kind, text) : subscriptionToken(subscription);
}

const NO_IDENTIFIERS: IdentifierChanges = [];

function identifiersOf(raw: RawDevice): IdentifierChanges {
  let found: IdentifierChanges[number][] | undefined;
  for (const kind of IDENTIFIER_KINDS) {
    if (raw[kind] === undefined) continue;
    found ??= [];
    const text = textOf(kind, raw[kind], 200);
    const digests = text ? digestsOf(kind, text) : { kind, digests: null };
    if (typeof digests === 'string') throw new RowFault(kind, digests);
    found.push(digests);
  }
  return found ?? NO_IDENTIFIERS;
}

const ISO_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d)$/;

function timeOf(value: unknown): string | null | undefined {
  const text = textOf('last_active_at', value, 40);
  if (!text) return text;
  const time = ISO_TIME.test(text) ? new Date(text) : undefined;
  if (time === undefined || Number.isNaN(time.getTime()))
    throw new RowFault('last_active_at', 'invalid_time');
  return time.toISOString();
}

/** An empty value counts as false. */
function flagOf(value: unknown): boolean | undefined {
  if (value === undefined) return undefined;
  if (value === true || value === 'true') return true;
  if (value === false || value === 'false' || isEmpty(value)) return false;
  throw new RowFault('unsubscribed', 'not_true_or_false');
}

function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || value === '';
}

const REPLACEMENT = '\ufffd';

/** Undefined when the column is missing, null when the value is empty. */
function textOf(field: DeviceColumn, value: unknown, max: number): string | null | undefined {
  if (value === undefined) return undefined;
  if (value === null || value === '') return null;
  if (typeof value !== 'string') throw new RowFault(field, 'not_text');
  checkText(field, value, max);
  return value;
}

function checkText(field: DeviceColumn, text: string, max: number): void {
  if (text.length > max) throw new RowFault(field, 'too_long');
  if (!isStorable(text)) throw new RowFault(field, 'not_storable');
  if (text.includes(REPLACEMENT)) throw new RowFault(field, 'invalid_utf8');
}

function idOf(field: DeviceColumn, value: unknown): string | null | undefined {
  const text = textOf(field, value, 200);
  if (text && !EXTERNAL_ID.test(text)) throw new RowFault(field, 'invalid_id');
  return text;
}

function tagsOf(value: unknown): string[] | undefined {
  if (value === undefined) return undefined;
  const tags = typeof value === 'string' ? value.split(';') : (value ?? []);
  if (!Array.isArray(tags)) throw new RowFault('tags', 'not_a_list');
  const kept = tags.map((tag) => textOf('tags', typeof tag === 'string' ? tag.trim() : tag, LIMITS.tag));
  const distinct = [...new Set(kept.filter((tag) => typeof tag === 'string'))];
  if (distinct.length > LIMITS.tags) throw new RowFault('tags', 'too_many');
  return distinct;
}

function attributesOf(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  if (value === null || value === '') return '{}';
  const parsed = typeof value === 'string' ? parseJson(value) : value;
  if (!areAttributes(parsed)) throw new RowFault('attributes', 'invalid_attributes');
  const json = JSON.stringify(parsed);
  if (json.includes(REPLACEMENT)) throw new RowFault('attributes', 'invalid_utf8');
  return json;
}

/** The rules of the schema `Attributes`, which itself would take longer than all other work on a row. */
function areAttributes(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const entries = Object.entries(value);
  return entries.length <= LIMITS.attributes && entries.every(isAttribute);
}

function isAttribute([name, value]: [string, unknown]): boolean {
  if (name === '' || name.length > LIMITS.attributeName || !isStorable(name)) return false;
  if (typeof value === 'string') return value.length <= LIMITS.attributeValue && isStorable(value);
  return typeof value === 'number' ? Number.isFinite(value) : typeof value === 'boolean' || value === null;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new RowFault('attributes', 'invalid_json');
  }
}
