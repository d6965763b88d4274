import { type Message, soundOf } from '../../domain/content/content.ts';
import { appData, members } from '../app-data.ts';

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
    sound: apsSound(content),
    badge: content.badge,
    'interruption-level': content.interruptionLevel,
    'relevance-score': content.relevanceScore,
    'thread-id': content.threadId,
    category: content.category,
  };
  const head = `{"aps":${JSON.stringify(aps)}${members(content.data)},"sb":{"messageId":`;
  const tail = `${appData(content)}}}`;
  return { head, tail, bytes: Buffer.byteLength(head) + Buffer.byteLength(tail) };
}

/** A critical alert rings although the phone is silent, which takes this form and Apple's entitlement. */
function apsSound(content: Message): string | object | undefined {
  const name = soundOf(content);
  if (name === undefined || content.interruptionLevel !== 'critical') return name;
  return { critical: 1, name, volume: 1 };
}

export function apnsPayload(template: ApnsTemplate, messageId: string): string {
  return template.head + JSON.stringify(messageId) + template.tail;
}
