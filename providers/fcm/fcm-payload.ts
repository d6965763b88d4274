import { type Message, soundOf } from '../../domain/content/content.ts';
import { appData, members } from '../app-data.ts';
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
    direct_boot_ok: content.directBootOk,
  }).slice(1, -1);
  const shown = members({
    channel_id: content.channelId,
    icon: content.icon,
    color: content.color,
    sound: soundOf(content),
    image: content.imageUrl,
    // Zero would have Android count up by itself.
    notification_count: content.badge === 0 ? undefined : content.badge,
  });
  const data = appData(content) + members(content.data);
  return {
    beforeMessageId: `,"notification":${notification},"data":{"messageId":`,
    beforeCollapseKey: `${data}},"android":{${android},"collapse_key":`,
    beforeTag: ',"notification":{"tag":',
    tail: `${shown}}}}}`,
    bytes: Buffer.byteLength(`${notification}{"messageId":${data}}${shown}`),
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
