import type { DeviceImportRow } from '../../db/device-import.ts';
import { CHANNEL_OF, EXTERNAL_ID, isStorable, LIMITS, tokenFault } from '../../domain/device.ts';
import { PLATFORMS } from '../../domain/platform.ts';
import { isTimeZone } from '../../domain/time-zone.ts';
import { Attributes } from '../device-schemas.ts';

export const DEVICE_COLUMNS = [
  'device_id',
  'platform',
  'token',
  'user_id',
  'time_zone',
  'locale',
  'app_version',
  'tags',
  'attributes',
] as const;
export type DeviceColumn = (typeof DEVICE_COLUMNS)[number];

/** A row as it came; a column that the file or the row does not have is undefined. */
export type RawDevice = { readonly [Column in DeviceColumn]?: unknown };

export class RowFault extends Error {
  override name = 'RowFault';
  readonly field: string | null;

  constructor(field: string | null, reason: string) {
    super(reason);
    this.field = field;
  }
}

/** Throws a RowFault. What is undefined keeps its value in a device that is known; empty clears it. */
export function toDeviceRow(line: number, raw: RawDevice): DeviceImportRow {
  const deviceId = idOf('device_id', raw.device_id);
  if (deviceId === undefined || deviceId === null) throw new RowFault('device_id', 'missing');
  const platform = PLATFORMS.find((name) => name === raw.platform);
  if (platform === undefined) throw new RowFault('platform', 'unknown_platform');
  const channel = CHANNEL_OF[platform];
  if (channel === undefined) throw new RowFault('platform', 'channel_not_supported');
  const token = textOf('token', raw.token, 4096);
  if (token && tokenFault(channel, token) !== undefined) throw new RowFault('token', 'invalid_token');
  const timeZone = textOf('time_zone', raw.time_zone, 64);
  if (timeZone && !isTimeZone(timeZone)) throw new RowFault('time_zone', 'unknown_time_zone');
  return {
    line,
    deviceId,
    platform,
    channel,
    token,
    userId: idOf('user_id', raw.user_id),
    timeZone,
    locale: textOf('locale', raw.locale, LIMITS.locale),
    appVersion: textOf('app_version', raw.app_version, LIMITS.appVersion),
    tags: tagsOf(raw.tags),
    attributes: attributesOf(raw.attributes),
  };
}

const REPLACEMENT = '\ufffd';

/** Undefined: not given. Null: empty. */
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
  const parsed = Attributes.safeParse(typeof value === 'string' ? parseJson(value) : value);
  if (!parsed.success) throw new RowFault('attributes', 'invalid_attributes');
  const json = JSON.stringify(parsed.data);
  if (json.includes(REPLACEMENT)) throw new RowFault('attributes', 'invalid_utf8');
  return json;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new RowFault('attributes', 'invalid_json');
  }
}
