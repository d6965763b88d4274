import type { Message } from '../../domain/content/content.ts';
import { type RequestHead, requestHead } from '../connection/request-head.ts';
import { oncePerContent } from '../once-per-content.ts';

const PRIORITY = { high: '10', normal: '5' } as const;

interface Made {
  readonly token: string;
  readonly collapseId: string;
  readonly now: number;
  readonly head: RequestHead;
}

export type ApnsHeads = (content: Message, token: string, collapseId: string, now: Date) => RequestHead;

/** Makes headers once for all messages of one push within one second, whose headers are the same. */
export function createApnsHeads(topic: string): ApnsHeads {
  const lastOf = oncePerContent((): { made: Made | undefined } => ({ made: undefined }));
  return (content, token, collapseId, time) => {
    const now = Math.floor(time.getTime() / 1000);
    const last = lastOf(content.unfilled ?? content);
    const { made } = last;
    if (made?.now === now && made.token === token && made.collapseId === collapseId) return made.head;
    const headers = [
      ['authorization', `bearer ${token}`],
      ['apns-topic', topic],
      ['apns-push-type', 'alert'],
      ['apns-priority', PRIORITY[content.priority]],
      ['apns-collapse-id', collapseId],
      ['apns-expiration', content.ttlSeconds === 0 ? '0' : String(now + content.ttlSeconds)],
    ];
    const head = requestHead(headers.flat());
    last.made = { token, collapseId, now, head };
    return head;
  };
}
