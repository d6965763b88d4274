import type { Platform } from '../platform.ts';
import type { Content, Message } from './content.ts';
import { compileMessage, type Filled, fillMessage, type Given } from './content-fill.ts';
import { localesOf, matchLocale } from './content-locale.ts';
import type { Values } from './content-template.ts';
import { messageOf, readVariant } from './content-variant.ts';

/** The device for which a message is made: platform, locale and values. */
export interface Reader {
  readonly platform: Platform;
  readonly locale: string | null;
  readonly given: Given;
}

export interface Chosen {
  /** The content's locale that was chosen. Null for the content without a locale. */
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

/** The message of a delivery, by the variant and values that preparation stored in it. */
export type Messages = (variant: number, given: Given | null) => Filled;

/** Merges each variant and compiles its templates once. */
export function messagesOf(content: Content): Messages {
  const { variables } = content;
  const made = new Map<number, { platform: Platform; message: Message; fill: (values: Values) => Message }>();
  const variantOf = (variant: number) => {
    const known = made.get(variant);
    if (known !== undefined) return known;
    const { platform, locale } = readVariant(content, variant);
    const message = messageOf(content, platform, locale);
    const fill = variables === undefined ? () => message : compileMessage(message);
    const fresh = { platform, message, fill };
    made.set(variant, fresh);
    return fresh;
  };
  return (variant, given) => {
    const { platform, message, fill } = variantOf(variant);
    if (variables === undefined) return { ok: true, message };
    return fillMessage(fill, { variables, given: given ?? {}, platform });
  };
}
