import { z } from 'zod';
import { canonicalLocale } from '../locale.ts';
import { Data } from './content-data.ts';
import { DeepLink, ImageLink, WebLink } from './content-link.ts';

const MAX_LOCALES = 50;
const ONE_LINE = /^[^\p{Cc}]+$/u;

const shownText = (max: number) =>
  z.string().trim().min(1, 'must not be empty').max(max, `must have at most ${max} characters`);

/** A name that the app or the system knows. */
const name = (max: number) =>
  z
    .string()
    .trim()
    .regex(ONE_LINE, 'must be one line of text')
    .max(max, `must have at most ${max} characters`);

const buttonShape = (Link: typeof DeepLink) => ({
  id: z.string().regex(/^[A-Za-z0-9_-]{1,30}$/, 'must be 1 to 30 letters, digits, _ or -'),
  title: shownText(40),
  deepLink: Link.optional(),
});
export const Button = z.strictObject(buttonShape(DeepLink)).meta({ id: 'Button' });
const WebButton = z.strictObject(buttonShape(WebLink)).meta({ id: 'WebButton' });

const buttonsOf = <One extends typeof Button | typeof WebButton>(one: One) =>
  z
    .array(one)
    .min(1)
    .max(3)
    .refine((all) => new Set(all.map(({ id }) => id)).size === all.length, 'must give each button its own id')
    .optional();

const texts = {
  title: shownText(200),
  body: shownText(2000),
  imageUrl: ImageLink.optional(),
  /** A sound of the app. `default` when left out; null or `none` for no sound. */
  sound: name(100).nullable().optional(),
  /** The number on the app's icon. iOS takes 0 for no number. */
  badge: z.int().min(0).max(99_999).optional(),
  data: Data.optional(),
};
export const shown = { ...texts, deepLink: DeepLink.optional(), buttons: buttonsOf(Button) };
const shownOnWeb = { ...texts, deepLink: WebLink.optional(), buttons: buttonsOf(WebButton) };

export const sending = {
  ttlSeconds: z.int().min(0).max(2_419_200),
  priority: z.enum(['high', 'normal']),
};

const Translation = z
  .strictObject(shown)
  .partial()
  .meta({ id: 'Translation', description: 'The fields that differ for a locale.' });
const WebTranslation = z.strictObject(shownOnWeb).partial().meta({ id: 'WebTranslation' });

const LocaleTag = z
  .string()
  .refine(
    (tag) => canonicalLocale(tag) !== undefined,
    'must be a language, with a script or region where needed, as in de, pt-BR or zh-Hant',
  );

const localesOf = <One extends typeof Translation | typeof WebTranslation>(one: One) =>
  z
    .record(LocaleTag, one)
    .refine((all) => Object.keys(all).length <= MAX_LOCALES, `must have at most ${MAX_LOCALES} locales`)
    .refine((all) => {
      const tags = Object.keys(all).map((tag) => canonicalLocale(tag));
      return new Set(tags).size === tags.length;
    }, 'must name each locale only once: de_AT and de-at are one, and so are in and id');
export const Locales = localesOf(Translation);

/** Fields that iOS alone has. */
const ios = {
  interruptionLevel: z.enum(['passive', 'active', 'time-sensitive', 'critical']),
  /** The place in the summary of notifications, from 0 to 1. */
  relevanceScore: z.number().min(0).max(1),
  /** Notifications of a thread are shown as a group. */
  threadId: name(100),
  /** The category of the app that has the notification's actions. */
  category: name(100),
};

/** Fields that Android alone has. */
const android = {
  /** A notification channel that the app has made. Without it, that of the app's manifest. */
  channelId: name(200),
  /** A drawable resource of the app. */
  icon: name(100),
  color: z.string().regex(/^#[0-9A-Fa-f]{6}$/, 'must be a colour as #rrggbb'),
  /** Whether a device that nobody has unlocked since its start gets the message. */
  directBootOk: z.boolean(),
};

/** Fields that browsers alone have. */
const web = {
  icon: ImageLink,
  /** The small image of one colour that Android shows in its status bar. */
  badgeIcon: ImageLink,
  /** The notification stays until it is clicked or closed. */
  requireInteraction: z.boolean(),
};

const differing = 'The fields that differ on the platform, and those that it alone has.';
export const Platforms = z
  .strictObject({
    ios: z
      .strictObject({ ...shown, ...sending, ...ios })
      .partial()
      .extend({ locales: Locales.optional() })
      .meta({ id: 'IosContent', description: differing }),
    android: z
      .strictObject({ ...shown, ...sending, ...android })
      .partial()
      .extend({ locales: Locales.optional() })
      .meta({ id: 'AndroidContent', description: differing }),
    web: z
      .strictObject({ ...shownOnWeb, ...sending, ...web })
      .partial()
      .extend({ locales: localesOf(WebTranslation).optional() })
      .meta({ id: 'WebContent', description: differing }),
  })
  .partial();

const Special = z.object({ ...ios, ...android, ...web }).partial();
export type Special = Readonly<z.infer<typeof Special>>;
export const specialFields = Special.shape;
