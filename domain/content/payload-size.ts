import type { Platform } from '../platform.ts';
import type { Message } from './content.ts';

/** APNs and FCM both refuse a larger payload. */
export const MAX_PAYLOAD_BYTES = 4096;
/** Web Push takes bodies of 4,096 bytes, encrypted: its header, padding and tag take their part. */
const LIMITS: Readonly<Record<Platform, number>> = {
  ios: MAX_PAYLOAD_BYTES,
  android: MAX_PAYLOAD_BYTES,
  web: 3993,
};
/** What the engine adds: names of members, the message ID, what FCM counts besides. */
const ENVELOPE_BYTES = 300;

const encoder = new TextEncoder();

export function sizeLimit(platform: Platform): number {
  return LIMITS[platform];
}

/** No smaller than what any push service will count. */
export function payloadBytes(message: Message): number {
  const { title, body, deepLink, imageUrl, sound, badge, buttons } = message;
  // Buttons travel as text within the text.
  const actions = buttons === undefined ? undefined : JSON.stringify(buttons);
  const text = JSON.stringify({ title, body, deepLink, imageUrl, sound, badge, buttons: actions });
  return encoder.encode(text).length + ENVELOPE_BYTES;
}
