import { object } from '../read.ts';

/** The values that a field of the request body may have. */
type Check = (value: unknown, path: string) => Violation | undefined;

export interface Violation {
  readonly field: string;
  readonly description: string;
}

const text: Check = (value, path) => (typeof value === 'string' ? undefined : invalid(path, 'TYPE_STRING'));
const flag: Check = (value, path) => (typeof value === 'boolean' ? undefined : invalid(path, 'TYPE_BOOL'));
const integer: Check = (value, path) =>
  Number.isInteger(value) && Math.abs(Number(value)) < 2 ** 31 ? undefined : invalid(path, 'TYPE_INT32');
const anyObject: Check = (value, path) => (object(value) === undefined ? invalid(path, 'Struct') : undefined);

const texts: Check = (value, path) =>
  Array.isArray(value) && value.every((item) => typeof item === 'string')
    ? undefined
    : invalid(path, 'repeated TYPE_STRING');

const stringMap: Check = (value, path) => {
  const map = object(value);
  if (map === undefined) return invalid(path, 'map');
  for (const key in map) if (typeof map[key] !== 'string') return invalid(`${path}[${key}]`, 'TYPE_STRING');
  return undefined;
};

const matching =
  (pattern: RegExp, type: string): Check =>
  (value, path) =>
    typeof value === 'string' && pattern.test(value) ? undefined : invalid(path, type);

/** Keys of `data` that FCM keeps for itself. */
const RESERVED_DATA = /^(?:from$|message_type$|google|gcm)/;

const data: Check = (value, path) => {
  const reserved = Object.keys(object(value) ?? {}).find((key) => RESERVED_DATA.test(key));
  if (reserved === undefined) return stringMap(value, path);
  return { field: path, description: `Invalid data payload key: ${reserved}` };
};

function message(fields: Readonly<Record<string, Check>>): Check {
  const checks = new Map(Object.entries(fields));
  return (value, path) => {
    const members = object(value);
    if (members === undefined) return invalid(path, 'message');
    for (const name in members) {
      const at = path === '' ? name : `${path}.${name}`;
      const check = checks.get(name);
      if (check === undefined)
        return { field: path, description: `Unknown name "${name}": Cannot find field.` };
      const fault = check(members[name], at);
      if (fault !== undefined) return fault;
    }
    return undefined;
  };
}

function invalid(field: string, type: string): Violation {
  return { field, description: `Invalid value at '${field}' (${type})` };
}

const fcmOptions = message({ analytics_label: matching(/^[\w.~%-]{1,50}$/, 'label') });

/** @see https://firebase.google.com/docs/reference/fcm/rest/v1/projects.messages */
const body = message({
  validate_only: flag,
  message: message({
    token: text,
    topic: text,
    condition: text,
    data,
    notification: message({ title: text, body: text, image: text }),
    android: message({
      collapse_key: text,
      priority: matching(/^(HIGH|NORMAL|high|normal)$/, 'AndroidMessagePriority'),
      ttl: matching(/^\d+(\.\d{1,9})?s$/, 'Duration'),
      restricted_package_name: text,
      data,
      direct_boot_ok: flag,
      fcm_options: fcmOptions,
      notification: message({
        title: text,
        body: text,
        icon: text,
        color: matching(/^#[0-9a-f]{6}$/i, 'color'),
        sound: text,
        tag: text,
        click_action: text,
        body_loc_key: text,
        body_loc_args: texts,
        title_loc_key: text,
        title_loc_args: texts,
        channel_id: text,
        ticker: text,
        sticky: flag,
        event_time: text,
        local_only: flag,
        notification_priority: matching(
          /^PRIORITY_(?:UNSPECIFIED|MIN|LOW|DEFAULT|HIGH|MAX)$/,
          'NotificationPriority',
        ),
        default_sound: flag,
        default_vibrate_timings: flag,
        default_light_settings: flag,
        visibility: matching(/^(?:VISIBILITY_UNSPECIFIED|PRIVATE|PUBLIC|SECRET)$/, 'Visibility'),
        notification_count: integer,
        image: text,
      }),
    }),
    apns: message({ headers: stringMap, payload: anyObject, fcm_options: anyObject }),
    webpush: message({
      headers: stringMap,
      data: stringMap,
      notification: anyObject,
      fcm_options: anyObject,
    }),
    fcm_options: fcmOptions,
  }),
});

const MAX_TTL_SECONDS = 2_419_200;
const MAX_BYTES = 4096;

/** The first fault of a request body, in the words of FCM's front end. */
export function violationOf(request: unknown): Violation | undefined {
  const fault = body(request, '');
  if (fault !== undefined) return fault;
  const sent = object(object(request)?.['message']);
  if (sent === undefined) return { field: 'message', description: 'Message is missing.' };
  const targets = ['token', 'topic', 'condition'].filter((name) => name in sent);
  if (targets.length !== 1) {
    return { field: 'message', description: 'Exactly one of token, topic or condition is required.' };
  }
  const ttl = object(sent['android'])?.['ttl'];
  if (typeof ttl === 'string' && Number.parseFloat(ttl) > MAX_TTL_SECONDS) {
    return { field: 'message.android.ttl', description: 'Invalid ttl: at most 28 days.' };
  }
  return tooBig(sent) ? { field: 'message', description: 'Android message is too big' } : undefined;
}

function tooBig(sent: Readonly<Record<string, unknown>>): boolean {
  const counted = JSON.stringify([sent['notification'], sent['data']]);
  return Buffer.byteLength(counted) - '[,]'.length > MAX_BYTES;
}
