export interface Button {
  readonly id: string;
  readonly title: string;
  readonly deepLink?: string;
}

/** A push message of Signalbox, as it arrives in a browser. */
export interface Message {
  readonly title: string;
  readonly messageId: string;
  readonly body?: string;
  readonly tag?: string;
  readonly icon?: string;
  readonly badge?: string;
  readonly requireInteraction?: boolean;
  readonly silent?: boolean;
  readonly deepLink?: string;
  readonly imageUrl?: string;
  readonly buttons?: readonly Button[];
}

/** The data that a notification keeps until it is clicked or closed. */
export type Kept = Pick<Message, 'messageId' | 'deepLink' | 'buttons'>;

type Fields = Readonly<Record<string, unknown>>;

/** Returns undefined for a message of another sender. */
export function readMessage(text: string): Message | undefined {
  const shown: Fields = Object(readJson(text));
  const sb: Fields = Object(shown['sb']);
  const buttons = buttonsIn(sb['buttons']);
  const message = {
    ...only('string', shown, ['title', 'body', 'tag', 'icon', 'badge']),
    ...only('boolean', shown, ['requireInteraction', 'silent']),
    ...only('string', sb, ['messageId', 'deepLink', 'imageUrl']),
    ...(buttons.length > 0 && { buttons }),
  };
  return 'title' in message && 'messageId' in message ? (message as unknown as Message) : undefined;
}

/** The fields of this type. A field of another type is left out. */
function only(type: 'string' | 'boolean', fields: Fields, names: readonly string[]): Fields {
  return Object.fromEntries(
    names.map((name) => [name, fields[name]]).filter(([, value]) => typeof value === type),
  );
}

/** A list, or its JSON as the other platforms get it. */
function buttonsIn(value: unknown): Button[] {
  const list = typeof value === 'string' ? readJson(value) : value;
  return (Array.isArray(list) ? list : [])
    .map((one) => only('string', Object(one), ['id', 'title', 'deepLink']) as unknown as Button)
    .filter(({ id, title }) => id && title);
}

/** The link of the button that was clicked, or that of the message. */
export function linkOf({ deepLink, buttons = [] }: Kept, action: string): string | undefined {
  return buttons.find(({ id }) => id === action)?.deepLink ?? deepLink;
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
