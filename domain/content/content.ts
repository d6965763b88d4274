import { z } from 'zod';
import { LIMITS } from '../devices/device.ts';
import { type Button, Locales, Platforms, type Special, sending, shown } from './content-parts.ts';

/** How long a push service tries to reach an offline device, in seconds. */
const DEFAULT_TTL_SECONDS = 86_400;

const VARIABLE_NAME = /^[A-Za-z][A-Za-z0-9_]{0,49}$/;

const Variable = z
  .strictObject({
    /** The device attribute. The variable's name when left out. */
    attribute: z.string().min(1).max(LIMITS.attributeName).optional(),
    /** The value for devices without the attribute. Without one, texts that show the variable need the attribute. */
    default: z.union([z.string().max(200), z.number(), z.boolean()]).optional(),
    /** Longer values are cut. Payload sizes are checked with values of this length. */
    maxLength: z.int().min(1).max(LIMITS.attributeValue).optional(),
  })
  .meta({ id: 'Variable' });
export type Variable = z.infer<typeof Variable>;

export const Content = z
  .strictObject({
    ...shown,
    ttlSeconds: sending.ttlSeconds.default(DEFAULT_TTL_SECONDS),
    priority: sending.priority.default('high'),
    /** A device shows only the last message with this key. Each push has its own key when left out. */
    collapseKey: z
      .string()
      .regex(/^[A-Za-z0-9_-]{1,32}$/, 'must be 1 to 32 letters, digits, _ or -')
      .optional(),
    variables: z
      .record(
        z
          .string()
          .regex(VARIABLE_NAME, 'must be a letter and up to 49 letters, digits or _, as in first_name'),
        Variable,
      )
      .refine((variables) => Object.keys(variables).length <= 20, 'must have at most 20 variables')
      .optional(),
    locales: Locales.optional(),
    platforms: Platforms.optional(),
  })
  .meta({ id: 'Content' });
export type Content = z.infer<typeof Content>;

export type MessagePart = { readonly [Field in keyof Message]?: Message[Field] | undefined };

/** The message for one device: the content for its platform and locale, with the variables filled in. */
export interface Message extends Special {
  readonly title: string;
  readonly body: string;
  readonly deepLink?: string | undefined;
  readonly imageUrl?: string | undefined;
  readonly buttons?: readonly z.infer<typeof Button>[] | undefined;
  readonly sound?: string | null | undefined;
  readonly badge?: number | undefined;
  readonly data?: Readonly<Record<string, string>> | undefined;
  readonly ttlSeconds: number;
  readonly priority: 'high' | 'normal';
  /** The message before its variables were filled in. All messages made from it share their headers. */
  readonly unfilled?: Message;
}

/** The sound that a platform is to play. Undefined for none. */
export function soundOf({ sound = 'default' }: Message): string | undefined {
  return sound === null || sound === 'none' ? undefined : sound;
}
