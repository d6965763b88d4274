import { z } from 'zod';

const MAX_KEYS = 50;
const MAX_VALUE = 2000;

/**
 * Keys that the services or the engine use. FCM refuses the first two, and all that begin with `google` or `gcm`.
 * APNs reserves `aps`. The rest carries the engine's own data.
 */
const RESERVED = new Set([
  ...['from', 'message_type', 'notification', 'collapse_key', 'aps', 'sb', 'signalbox'],
  ...['messageId', 'deepLink', 'imageUrl', 'buttons', 'title', 'body', 'tag', 'data'],
]);
const RESERVED_KEY = /^(?:google|gcm)/i;

const Key = z
  .string()
  .regex(/^[A-Za-z][A-Za-z0-9_.-]{0,99}$/, 'must be a letter and up to 99 letters, digits, _, . or -')
  .refine((key) => !RESERVED.has(key) && !RESERVED_KEY.test(key), 'is a reserved key: choose another name');

const Value = z
  .string({ error: 'must be text: put numbers, true and false in quotes, and objects as JSON text' })
  .max(MAX_VALUE, `must have at most ${MAX_VALUE} characters`);

/** Values for the app that nobody sees. Both services take texts only. */
export const Data = z
  .record(Key, Value)
  .refine((data) => Object.keys(data).length <= MAX_KEYS, `must have at most ${MAX_KEYS} keys`)
  .meta({ id: 'ContentData' });
