import { digestsOf, type IdentifierChanges } from '../../db/devices/device-identifiers.ts';
import type { DeviceImportRow } from '../../db/devices/device-import.ts';
import { createBoundedMap } from '../../domain/bounded-map.ts';
import {
  ADDRESS_KINDS,
  type AddressKind,
  addressFault,
  fitsPlatform,
  normalToken,
  USUAL_KIND,
} from '../../domain/devices/address.ts';
import { LIMITS } from '../../domain/devices/device.ts';
import { IDENTIFIER_KINDS, isZeroDeviceId } from '../../domain/devices/identifier.ts';
import { readSubscription, subscriptionToken } from '../../domain/devices/web-push.ts';
import { canonicalLocale } from '../../domain/locale.ts';
import type { Platform } from '../../domain/platform.ts';
import { canonicalTimeZone } from '../../domain/time/time-zone.ts';
import { attributesOf } from './attribute-values.ts';
import { consentOf } from './consent.ts';
import { NO_PUSH, type RawDevice, type RowContext } from './device-columns.ts';
import type { RowNotes } from './row-report.ts';
import { idOf, textOf } from './row-text.ts';
import { readPlatform, readTime } from './values.ts';

/**
 * The row, or undefined when a fault refuses it; the notes have all faults. Undefined columns keep the value of a
 * known device, and empty columns clear it. An odd optional value is left out.
 */
export function toDeviceRow(
  context: RowContext,
  line: number,
  raw: RawDevice,
  notes: RowNotes,
): DeviceImportRow | undefined {
  const deviceId = deviceIdOf(raw, notes);
  const platform = readPlatform(raw.platform);
  if (platform === undefined) {
    notes.refuse('platform', raw.platform === NO_PUSH ? 'not_a_push_device' : 'unknown_platform');
  }
  const address = platform === undefined ? undefined : addressOf(platform, raw, notes);
  const attributes = attributesOf(raw, notes);
  const row = {
    line,
    ...address,
    userId: idOf('user_id', raw.user_id, notes),
    timeZone: zoneOf(raw.time_zone, notes),
    locale: localeOf(raw.locale, notes),
    appVersion: textOf('app_version', raw.app_version, LIMITS.appVersion, notes, 'leaveOut'),
    tags: tagsOf(raw.tags, notes),
    attributes: attributes?.json,
    mergesAttributes: attributes?.isMerged ?? false,
    lastActiveAt: activeAt(context, raw.last_active_at, notes),
    unsubscribedAt: consentOf(context, raw, notes),
    identifiers: identifiersOf(raw, notes),
  };
  if (notes.faults.length > 0 || platform === undefined || typeof deviceId !== 'string') return undefined;
  return { addressKind: undefined, token: undefined, ...row, deviceId, platform };
}

function deviceIdOf(raw: RawDevice, notes: RowNotes): string | undefined {
  const before = notes.faults.length;
  const deviceId = idOf('device_id', raw.device_id, notes);
  if (notes.faults.length > before) return undefined;
  if (typeof deviceId !== 'string') return notes.refuse('device_id', 'missing');
  return isZeroDeviceId(deviceId) ? notes.refuse('device_id', 'all_zeros') : deviceId;
}

interface RowAddress {
  readonly addressKind: AddressKind | undefined;
  readonly token: string | null | undefined;
}

function addressOf(platform: Platform, raw: RawDevice, notes: RowNotes): RowAddress {
  const addressKind = kindOf(platform, raw.address_kind, notes);
  return { addressKind, token: tokenOf(addressKind ?? USUAL_KIND[platform], raw.token, notes) };
}

function kindOf(platform: Platform, value: unknown, notes: RowNotes): AddressKind | undefined {
  const text = textOf('address_kind', value, 100, notes)?.toLowerCase();
  if (text === undefined || text === '') return undefined;
  const kind = ADDRESS_KINDS.find((name) => name === text);
  if (kind === undefined) return notes.refuse('address_kind', 'unknown_address_kind');
  return fitsPlatform(kind, platform) ? kind : notes.refuse('address_kind', 'not_of_this_platform');
}

/** A token as iOS once printed it: `<740f4707 bebcf74f …>`. */
const PRINTED_TOKEN = /^<[0-9a-f\s]+>$/i;

function tokenOf(kind: AddressKind, value: unknown, notes: RowNotes): string | null | undefined {
  const given = textOf('token', value, 4096, notes);
  if (!given) return given;
  const text = kind === 'apns_token' && PRINTED_TOKEN.test(given) ? given.replace(/[<>\s]/g, '') : given;
  if (addressFault(kind, text) !== undefined) return notes.refuse('token', 'invalid_token');
  const subscription = kind === 'web_push' ? readSubscription(text) : undefined;
  return subscription === undefined ? normalToken(kind, text) : subscriptionToken(subscription);
}

const NO_IDENTIFIERS: IdentifierChanges = [];

function identifiersOf(raw: RawDevice, notes: RowNotes): IdentifierChanges {
  const found: IdentifierChanges[number][] = [];
  for (const kind of IDENTIFIER_KINDS) {
    if (raw[kind] === undefined) continue;
    const text = textOf(kind, raw[kind], 200, notes, 'leaveOut');
    if (text === undefined) continue;
    const digests = text ? digestsOf(kind, text) : { kind, digests: null };
    if (typeof digests === 'string') notes.leaveOut(kind, digests);
    else found.push(digests);
  }
  return found.length === 0 ? NO_IDENTIFIERS : found;
}

function zoneOf(value: unknown, notes: RowNotes): string | null | undefined {
  const text = textOf('time_zone', value, 64, notes, 'leaveOut');
  if (!text) return text;
  return canonicalTimeZone(text) ?? notes.leaveOut('time_zone', 'unknown_time_zone');
}

/** `Intl` takes microseconds, and a file has few locales. */
const locales = createBoundedMap<string, { readonly locale: string | undefined }>(10_000);

function knownLocale(text: string): string | undefined {
  const before = locales.get(text);
  if (before !== undefined) return before.locale;
  const locale = canonicalLocale(text);
  locales.set(text, { locale });
  return locale;
}

function localeOf(value: unknown, notes: RowNotes): string | null | undefined {
  const text = textOf('locale', value, 64, notes, 'leaveOut');
  if (!text) return text;
  return knownLocale(text) ?? notes.leaveOut('locale', 'unknown_locale');
}

function activeAt(
  { now, dateOrder }: RowContext,
  value: unknown,
  notes: RowNotes,
): string | null | undefined {
  const text = textOf(
    'last_active_at',
    typeof value === 'number' ? String(value) : value,
    64,
    notes,
    'leaveOut',
  );
  if (!text) return text;
  const at = readTime(text, dateOrder);
  if (typeof at === 'string') return notes.leaveOut('last_active_at', at);
  if (at <= now) return at.toISOString();
  notes.leaveOut('last_active_at', 'in_the_future');
  return now.toISOString();
}

/** `a;b`, or a list, which in a cell is JSON. */
function tagsOf(value: unknown, notes: RowNotes): string[] | undefined {
  if (value === undefined) return undefined;
  const list = typeof value === 'string' ? listOf(value) : (value ?? []);
  if (!Array.isArray(list)) return notes.refuse('tags', 'not_a_list');
  const kept = list.map((tag) => textOf('tags', tag, LIMITS.tag, notes));
  const distinct = [...new Set(kept.filter((tag) => typeof tag === 'string'))];
  return distinct.length > LIMITS.tags ? notes.refuse('tags', 'too_many') : distinct;
}

function listOf(text: string): unknown {
  if (text.trimStart().startsWith('[')) {
    try {
      return JSON.parse(text);
    } catch {
      return text.split(';');
    }
  }
  return text.split(';');
}
