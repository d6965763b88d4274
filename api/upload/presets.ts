import { createHash } from 'node:crypto';
import { type DeviceColumn, NO_PUSH, type RawDevice } from './device-columns.ts';
import type { RowNotes } from './row-report.ts';
import { readFlag } from './values.ts';

/** A row or line of another product's export: cells by column of the preset, or the fields of a JSON object. */
type Given = Readonly<Record<string, unknown>>;

export interface Preset {
  /** The columns of the other product that are read, as its documentation names them. */
  readonly columns: readonly string[];
  readonly required: readonly string[];
  /** The devices of a line. */
  readonly devicesOf: (given: Given, notes: RowNotes) => readonly RawDevice[];
}

/**
 * Default and extra fields of https://documentation.onesignal.com/reference/csv-export. Tags are key and value
 * there, which are attributes here.
 */
const ONESIGNAL: Preset = {
  columns: [
    'id',
    'identifier',
    'device_type',
    'external_user_id',
    'language',
    'timezone_id',
    'game_version',
    'tags',
    'last_active',
    'invalid_identifier',
    'unsubscribed_at',
    'web_auth',
    'web_p256',
  ],
  required: ['id', 'device_type'],
  devicesOf: (given, notes) => {
    const type = ONESIGNAL_TYPES.get(textOf(given['device_type']));
    const platform = type?.platform ?? NO_PUSH;
    return [
      withoutUndefined({
        device_id: given['id'],
        platform,
        token: platform === 'web' ? subscriptionOf(given, notes) : given['identifier'],
        address_kind: type?.addressKind,
        user_id: given['external_user_id'],
        locale: given['language'],
        time_zone: given['timezone_id'],
        app_version: given['game_version'],
        attributes: given['tags'],
        last_active_at: given['last_active'],
        unsubscribed: readFlag(given['invalid_identifier']) === true ? true : undefined,
        unsubscribed_at: given['unsubscribed_at'],
      }),
    ];
  },
};

type OneSignalType = { readonly platform: string; readonly addressKind?: string };
/** The device types of the same page. Amazon, Windows, e-mail and SMS get no push from here. */
const ONESIGNAL_TYPES: ReadonlyMap<string, OneSignalType> = new Map([
  ['0', { platform: 'ios' }],
  ['1', { platform: 'android' }],
  ['5', { platform: 'web' }],
  ['7', { platform: 'web' }],
  ['8', { platform: 'web' }],
  ['13', { platform: 'android', addressKind: 'huawei' }],
  ['17', { platform: 'web' }],
]);

/** A browser's address needs the two keys, which OneSignal exports as extra fields. */
function subscriptionOf(given: Given, notes: RowNotes): string | undefined {
  const endpoint = textOf(given['identifier']);
  const [auth, p256dh] = [base64Url(given['web_auth']), base64Url(given['web_p256'])];
  if (!endpoint.startsWith('https:') || auth === '' || p256dh === '') {
    return notes.leaveOut('token', 'no_subscription_keys');
  }
  return JSON.stringify({ endpoint, keys: { auth, p256dh } });
}

function base64Url(value: unknown): string {
  return textOf(value).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}

/**
 * The columns of Firebase's export of message data to BigQuery, and a column with the tokens of your own database:
 * Firebase itself exports no tokens (https://firebase.google.com/docs/cloud-messaging/understand-delivery).
 */
const FIREBASE: Preset = {
  columns: [
    'instance_id',
    'sdk_platform',
    'event_timestamp',
    'token',
    'fcm_token',
    'registration_token',
    'user_id',
  ],
  required: ['instance_id', 'sdk_platform'],
  devicesOf: (given) => [
    withoutUndefined({
      device_id: given['instance_id'],
      platform: given['sdk_platform'],
      token: firstGiven(given['token'], given['fcm_token'], given['registration_token']),
      user_id: given['user_id'],
      last_active_at: given['event_timestamp'],
    }),
  ],
};

/**
 * The user export objects of https://www.braze.com/docs/api/endpoints/export/user_data/post_users_segment, one per
 * line. A user has any number of push tokens, and each is a device.
 */
const BRAZE: Preset = {
  columns: [
    'external_id',
    'braze_id',
    'push_tokens',
    'apps',
    'push_subscribe',
    'language',
    'country',
    'time_zone',
    'custom_attributes',
  ],
  required: ['push_tokens'],
  devicesOf: (given, notes) => {
    const tokens = listOf(given['push_tokens']);
    if (tokens.length === 0) notes.refuse('push_tokens', 'not_a_push_device');
    const attributes = flatAttributes(given['custom_attributes'], notes);
    return tokens.map((token) => {
      const app = listOf(given['apps']).find((one) => one['name'] === token['app']);
      return withoutUndefined({
        device_id: token['device_id'] ?? brazeDeviceId(given, token),
        platform: token['platform'],
        token: token['token'],
        user_id: given['external_id'],
        locale: brazeLocale(given),
        time_zone: given['time_zone'],
        app_version: app?.['version'],
        last_active_at: app?.['last_used'],
        attributes,
        unsubscribed: given['push_subscribe'] === 'unsubscribed' ? true : undefined,
      });
    });
  },
};

/** A user's profile has no ID for each token, so that the ID is made of both, the same at each export. */
function brazeDeviceId(given: Given, token: Given): string {
  const digest = createHash('sha256').update(textOf(token['token'])).digest('hex').slice(0, 12);
  return `${textOf(given['braze_id'] ?? given['external_id'])}-${digest}`;
}

function brazeLocale({ language, country }: Given): unknown {
  return typeof language === 'string' && typeof country === 'string' ? `${language}-${country}` : language;
}

function flatAttributes(value: unknown, notes: RowNotes): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(
    Object.entries(value).filter(([name, one]) => {
      const isFlat = typeof one !== 'object' || one === null;
      if (!isFlat) notes.leaveOut(`custom_attributes.${name}`.slice(0, 100), 'attribute_not_flat');
      return isFlat;
    }),
  );
}

function listOf(value: unknown): Given[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === 'object' && one !== null) : [];
}

function textOf(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value).trim() : '';
}

/** A column that the file lacks must not look like an empty one, which clears. */
function withoutUndefined(raw: Readonly<Partial<Record<DeviceColumn, unknown>>>): RawDevice {
  return Object.fromEntries(Object.entries(raw).filter(([, value]) => value !== undefined));
}

export const PRESETS = { onesignal: ONESIGNAL, firebase: FIREBASE, braze: BRAZE } as const;
export const PRESET_NAMES = ['onesignal', 'firebase', 'braze'] as const;

/** The first value that is not empty. Without one the last says whether the column was there. */
function firstGiven(...values: readonly unknown[]): unknown {
  return (
    values.find((value) => value !== undefined && value !== null && value !== '') ??
    values.findLast((value) => value !== undefined)
  );
}
