import type { Message } from '../../domain/content/content.ts';
import { appData } from '../app-data.ts';

/** The payload before the message ID, and after it. */
export interface ApnsTemplate {
  readonly head: string;
  readonly tail: string;
  /** The size without the message ID. */
  readonly bytes: number;
}

export function apnsTemplate(content: Message): ApnsTemplate {
  const aps = {
    alert: { title: content.title, body: content.body },
    // Without this member iOS does not wake the app's extension, and the delivery is not reported.
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
