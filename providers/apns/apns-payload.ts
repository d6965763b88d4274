import type { Message } from '../../domain/content/content.ts';
import { appData } from '../app-data.ts';

/** The payload up to the message ID, and from there on. */
export interface ApnsTemplate {
  readonly head: string;
  readonly tail: string;
  /** Without the message ID. */
  readonly bytes: number;
}

export function apnsTemplate(content: Message): ApnsTemplate {
  const aps = {
    alert: { title: content.title, body: content.body },
    // Without it the app's extension is not woken, and nobody would report the delivery.
    'mutable-content': 1,
    sound: content.sound,
    badge: content.badge,
  };
  const head = `{"aps":${JSON.stringify(aps)},"sb":{"messageId":`;
  const tail = `${appData(content)}}}`;
  return { head, tail, bytes: Buffer.byteLength(head) + Buffer.byteLength(tail) };
}

export function apnsPayload(template: ApnsTemplate, messageId: string): string {
  return template.head + JSON.stringify(messageId) + template.tail;
}
