import type { Content } from './content.ts';
import { compileMessage, type Filled, fillMessage, type Given } from './content-fill.ts';
import { localesOf, matchLocale } from './content-locale.ts';
import { messageOf } from './content-variant.ts';
import type { Platform } from './platform.ts';

/** Where a message is for, and what is known of the device. */
export interface Reader {
  readonly platform: Platform;
  readonly locale: string | null;
  readonly given: Given;
}

export interface Chosen {
  /** The content's locale that fits; null for what it says without any. */
  readonly locale: string | null;
  readonly filled: Filled;
}

/** The message for one device, as a push would send it. */
export function messageFor(content: Content, { platform, locale, given }: Reader): Chosen {
  const fitting = matchLocale(localesOf(content), locale);
  const message = messageOf(content, platform, fitting);
  const { variables } = content;
  const filled: Filled =
    variables === undefined
      ? { ok: true, message }
      : fillMessage(compileMessage(message), { variables, given, platform });
  return { locale: fitting ?? null, filled };
}
