import type { Content } from './content.ts';

/** APNs and FCM both refuse a larger payload. */
export const MAX_PAYLOAD_BYTES = 4096;
/** What the engine adds: names of members, the message ID, what FCM counts besides. */
const ENVELOPE_BYTES = 300;

/** No smaller than what any push service will count. */
export function payloadBytes(content: Content): number {
  const { title, body, deepLink, imageUrl, sound, badge } = content;
  const text = JSON.stringify({ title, body, deepLink, imageUrl, sound, badge });
  return new TextEncoder().encode(text).length + ENVELOPE_BYTES;
}
