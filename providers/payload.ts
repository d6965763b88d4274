import type { Content } from '../domain/content.ts';
import type { Channel } from '../domain/platform.ts';
import { apnsTemplate } from './apns-payload.ts';
import { fcmTemplate } from './fcm-payload.ts';

/** What both push services let a message weigh. */
export const MAX_PAYLOAD_BYTES = 4096;

/** Room for a message ID when a payload is weighed before there is one. */
const MESSAGE_ID_BYTES = 96;

/** Bytes of a content's payload as its push service counts them; more than `MAX_PAYLOAD_BYTES` is refused. */
export function payloadBytes(channel: Channel, content: Content): number {
  const template = channel === 'apns' ? apnsTemplate(content) : fcmTemplate(content);
  return template.bytes + MESSAGE_ID_BYTES;
}

/** Serialises what all messages of one push share only once. */
export function oncePerContent<T extends object>(make: (content: Content) => T): (content: Content) => T {
  const made = new WeakMap<Content, T>();
  return (content) => {
    let template = made.get(content);
    if (template === undefined) {
      template = make(content);
      made.set(content, template);
    }
    return template;
  };
}
