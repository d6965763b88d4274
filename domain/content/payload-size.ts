import type { Platform } from '../platform.ts';
import type { Message } from './content.ts';

/** APNs and FCM both refuse a larger payload. */
export const MAX_PAYLOAD_BYTES = 4096;
/** Web Push accepts encrypted bodies of 4,096 bytes, which include header, padding and tag. */
const LIMITS: Readonly<Record<Platform, number>> = {
  ios: MAX_PAYLOAD_BYTES,
  android: MAX_PAYLOAD_BYTES,
  web: 3993,
};
/** The engine's own share: member names, the message ID, and bytes that only FCM counts. */
const ENVELOPE_BYTES = 300;

const encoder = new TextEncoder();

export function sizeLimit(platform: Platform): number {
  return LIMITS[platform];
}

/** An upper bound of the size that any push service counts. */
export function payloadBytes(message: Message): number {
  const { ttlSeconds: _, priority: __, unfilled: ___, buttons, ...counted } = message;
  // Buttons travel as text within the text.
  const actions = buttons === undefined ? undefined : JSON.stringify(buttons);
  const text = JSON.stringify({ ...counted, buttons: actions });
  return encoder.encode(text).length + ENVELOPE_BYTES;
}
