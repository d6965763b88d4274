import type { IncomingHttpHeaders } from 'node:http2';
import { json, object, text } from '../read.ts';
import { ignoredKey } from './aps-schema.ts';

const PUSH_TYPES = new Set([
  'alert',
  'background',
  'location',
  'voip',
  'complication',
  'fileprovider',
  'mdm',
  'liveactivity',
  'pushtotalk',
  'widgets',
]);
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const MAX_COLLAPSE_ID_BYTES = 64;
const MAX_PAYLOAD_BYTES = 4096;
const SINGLE = ['apns-topic', 'apns-push-type', 'apns-priority', 'apns-expiration', 'apns-collapse-id'];

/** The first fault of a request's headers, in APNs' words. */
export function headerFault(headers: IncomingHttpHeaders, topics: ReadonlySet<string>): string | undefined {
  // node joins repeated headers, and none of these may hold a comma.
  if (SINGLE.some((name) => text(headers[name])?.includes(', '))) return 'DuplicateHeaders';
  const topic = text(headers['apns-topic']);
  if (topic === undefined) return 'MissingTopic';
  if (!/^[\w.-]+$/.test(topic)) return 'BadTopic';
  if (!topics.has(topic)) return 'TopicDisallowed';
  if (!PUSH_TYPES.has(text(headers['apns-push-type']) ?? '')) return 'InvalidPushType';
  if (!/^(1|5|10)$/.test(text(headers['apns-priority']) ?? '10')) return 'BadPriority';
  if (!/^\d{1,10}$/.test(text(headers['apns-expiration']) ?? '0')) return 'BadExpirationDate';
  const collapseId = text(headers['apns-collapse-id']);
  if (collapseId !== undefined && Buffer.byteLength(collapseId) > MAX_COLLAPSE_ID_BYTES) {
    return 'BadCollapseId';
  }
  const id = text(headers['apns-id']);
  return id !== undefined && !UUID.test(id) ? 'BadMessageId' : undefined;
}

/** The message ID in a payload, or the payload's fault. */
export function readPayload(body: string): { readonly messageId: string } | { readonly fault: string } {
  if (Buffer.byteLength(body) > MAX_PAYLOAD_BYTES) return { fault: 'PayloadTooLarge' };
  const payload = object(json(body));
  const aps = object(payload?.['aps']);
  if (payload === undefined || aps === undefined || Object.keys(aps).length === 0) {
    return { fault: 'PayloadEmpty' };
  }
  // Stricter than APNs, which would accept the message and leave the rest to iOS.
  if (ignoredKey(aps) !== undefined) return { fault: 'BadPayload' };
  const messageId = object(payload['sb'])?.['messageId'];
  return { messageId: typeof messageId === 'string' ? messageId : '' };
}
