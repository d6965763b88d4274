/** A push message of Signalbox, as it arrives in a browser. */
export interface Message {
  readonly title: string;
  readonly body: string;
  readonly messageId: string;
  readonly tag?: string;
  readonly deepLink?: string;
  readonly imageUrl?: string;
}

/** The data that a notification keeps until it is clicked or closed. */
export interface Kept {
  readonly messageId: string;
  readonly deepLink?: string;
}

/** Returns undefined for a message of another sender. */
export function readMessage(text: string): Message | undefined {
  const { title, body, tag, sb } = Object(readJson(text)) as Record<string, unknown>;
  const { messageId, deepLink, imageUrl } = Object(sb) as Record<string, unknown>;
  if (typeof title !== 'string' || typeof messageId !== 'string') return undefined;
  return {
    title,
    messageId,
    body: typeof body === 'string' ? body : '',
    ...(typeof tag === 'string' && { tag }),
    ...(typeof deepLink === 'string' && { deepLink }),
    ...(typeof imageUrl === 'string' && { imageUrl }),
  };
}

export function readKept(data: unknown): Kept | undefined {
  const { signalbox } = Object(data) as { signalbox?: Kept };
  return typeof signalbox?.messageId === 'string' ? signalbox : undefined;
}

/**
 * Allows only pages of this site and of the app's other origins, because any key holder can send a message.
 */
export function safeLink(
  link: string | undefined,
  here: string,
  origins: readonly string[],
): string | undefined {
  if (link === undefined || !URL.canParse(link, here)) return undefined;
  const url = new URL(link, here);
  const isPage = url.protocol === 'https:' || url.protocol === 'http:';
  return isPage && [new URL(here).origin, ...origins].includes(url.origin) ? url.href : undefined;
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
