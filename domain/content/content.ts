import { z } from 'zod';
import { LIMITS } from '../devices/device.ts';
import { PLATFORMS } from '../platform.ts';

/** How long a push service tries to reach an offline device, in seconds. */
const DEFAULT_TTL_SECONDS = 86_400;

const DeepLink = z.url().max(1000);

export const Button = z
  .strictObject({
    id: z.string().regex(/^[A-Za-z0-9_-]{1,30}$/, 'must be 1 to 30 letters, digits, _ or -'),
    title: z.string().trim().min(1).max(40),
    deepLink: DeepLink.optional(),
  })
  .meta({ id: 'Button' });

const shown = {
  title: z.string().trim().min(1).max(200),
  body: z.string().trim().min(1).max(2000),
  deepLink: DeepLink.optional(),
  imageUrl: z
    .url({ protocol: /^https$/ })
    .max(1000)
    .optional(),
  buttons: z.array(Button).min(1).max(3).optional(),
  sound: z.string().min(1).max(100).optional(),
  badge: z.int().min(0).max(99_999).optional(),
};
const ttlSeconds = z.int().min(0).max(2_419_200);
const priority = z.enum(['high', 'normal']);

/** A BCP 47 tag: language, script, region. */
const LocaleTag = z
  .string()
  .regex(
    /^[A-Za-z]{2,3}(-[A-Za-z]{4})?(-([A-Za-z]{2}|[0-9]{3}))?$/,
    'must be a language, with a script or region where needed, as in de, pt-BR or zh-Hant',
  );

const Translation = z
  .strictObject(shown)
  .partial()
  .meta({ id: 'Translation', description: 'The fields that differ for a locale.' });

const Locales = z
  .record(LocaleTag, Translation)
  .refine((locales) => Object.keys(locales).length <= 50, 'must have at most 50 locales')
  .refine((locales) => {
    const tags = Object.keys(locales).map((tag) => tag.toLowerCase());
    return new Set(tags).size === tags.length;
  }, 'must name each locale only once; upper and lower case are equal');

const PlatformContent = z
  .strictObject({ ...shown, ttlSeconds, priority })
  .partial()
  .extend({ locales: Locales.optional() })
  .meta({ id: 'PlatformContent', description: 'The fields that differ on a platform.' });

const VARIABLE_NAME = /^[A-Za-z][A-Za-z0-9_]{0,49}$/;

const Variable = z
  .strictObject({
    /** The device attribute. The variable's name when left out. */
    attribute: z.string().min(1).max(LIMITS.attributeName).optional(),
    /** The value for devices without the attribute. Without a default such devices get nothing. */
    default: z.union([z.string().max(200), z.number(), z.boolean()]).optional(),
    /** Longer values are cut. Payload sizes are checked with values of this length. */
    maxLength: z.int().min(1).max(LIMITS.attributeValue).optional(),
  })
  .meta({ id: 'Variable' });
export type Variable = z.infer<typeof Variable>;

export const Content = z
  .strictObject({
    ...shown,
    ttlSeconds: ttlSeconds.default(DEFAULT_TTL_SECONDS),
    priority: priority.default('high'),
    /** A device shows only the last message with this key. Each push has its own key when left out. */
    collapseKey: z
      .string()
      .regex(/^[A-Za-z0-9_-]{1,32}$/, 'must be 1 to 32 letters, digits, _ or -')
      .optional(),
    variables: z
      .record(z.string().regex(VARIABLE_NAME, 'must be a letter and up to 49 letters, digits or _'), Variable)
      .refine((variables) => Object.keys(variables).length <= 20, 'must have at most 20 variables')
      .optional(),
    locales: Locales.optional(),
    platforms: z.partialRecord(z.enum(PLATFORMS), PlatformContent).optional(),
  })
  .meta({ id: 'Content' });
export type Content = z.infer<typeof Content>;

export type MessagePart = { readonly [Field in keyof Message]?: Message[Field] | undefined };

/** The message for one device: the content for its platform and locale, with the variables filled in. */
export interface Message {
  readonly title: string;
  readonly body: string;
  readonly deepLink?: string | undefined;
  readonly imageUrl?: string | undefined;
  readonly buttons?: readonly z.infer<typeof Button>[] | undefined;
  readonly sound?: string | undefined;
  readonly badge?: number | undefined;
  readonly ttlSeconds: number;
  readonly priority: 'high' | 'normal';
  /** The message before its variables were filled in. All messages made from it share their headers. */
  readonly unfilled?: Message;
}
