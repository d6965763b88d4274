import type { Message } from '../../domain/content/content.ts';
import { appData } from '../app-data.ts';
import type { Addressee } from '../push-service.ts';

/** The message in pieces, between which come the token, the message ID and, twice, the collapse ID. */
export interface FcmTemplate {
  readonly beforeMessageId: string;
  readonly beforeCollapseKey: string;
  readonly beforeTag: string;
  readonly tail: string;
  /** The size of what FCM counts, which is notification and data, without the message ID. */
  readonly bytes: number;
}

const HEAD = '{"message":{"token":';

export function fcmTemplate(content: Message): FcmTemplate {
  const notification = JSON.stringify({ title: content.title, body: content.body });
  const android = JSON.stringify({
    priority: content.priority === 'high' ? 'HIGH' : 'NORMAL',
    ttl: `${content.ttlSeconds}s`,
  }).slice(1, -1);
  const shown = JSON.stringify({
    image: content.imageUrl,
    sound: content.sound,
    notification_count: content.badge,
  }).slice(1, -1);
  const data = appData(content);
  return {
    beforeMessageId: `,"notification":${notification},"data":{"messageId":`,
    beforeCollapseKey: `${data}},"android":{${android},"collapse_key":`,
    beforeTag: `,"notification":{${shown === '' ? '' : `${shown},`}"tag":`,
    tail: '}}}}',
    bytes: Buffer.byteLength(`${notification}{"messageId":${data}}`),
  };
}

export function fcmPayload(template: FcmTemplate, to: Addressee): string {
  const collapseId = JSON.stringify(to.collapseId);
  return (
    HEAD +
    JSON.stringify(to.token) +
    template.beforeMessageId +
    JSON.stringify(to.messageId) +
    template.beforeCollapseKey +
    collapseId +
    template.beforeTag +
    collapseId +
    template.tail
  );
}
