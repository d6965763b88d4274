import { PLATFORMS, type Platform } from '../platform.ts';
import type { Content, Message } from './content.ts';
import { ancestry, localesOf } from './content-locale.ts';

/** The variants of one locale follow each other, one per platform in the order of PLATFORMS. */
export const VARIANTS_PER_LOCALE = PLATFORMS.length;

/** Whether what devices are sent differs, by platform, locale or variables. */
export function isPersonal({ locales, platforms, variables }: Content): boolean {
  return locales !== undefined || platforms !== undefined || variables !== undefined;
}

/** Variants of a content are numbered: deliveries hold the number, and the message is made once for each. */
export function variantOf(content: Content, platform: Platform, locale: string | undefined): number {
  const place = locale === undefined ? 0 : localesOf(content).indexOf(locale) + 1;
  return place * VARIANTS_PER_LOCALE + PLATFORMS.indexOf(platform);
}

/** The reverse of `variantOf`. */
export function readVariant(
  content: Content,
  variant: number,
): { readonly platform: Platform; readonly locale: string | undefined } {
  const platform = PLATFORMS[variant % VARIANTS_PER_LOCALE];
  if (platform === undefined) throw new Error(`variant ${variant} does not exist`);
  return { platform, locale: localesOf(content)[Math.floor(variant / VARIANTS_PER_LOCALE) - 1] };
}

/** What the more special says wins: the platform over all, the locale over the platform, both over each. */
export function messageOf(content: Content, platform: Platform, locale: string | undefined): Message {
  const { locales = {}, platforms, variables: _, collapseKey: __, ...base } = content;
  const { locales: own = {}, ...special } = platforms?.[platform] ?? {};
  const lower = (all: typeof locales) =>
    new Map(Object.entries(all).map(([tag, translation]) => [tag.toLowerCase(), translation]));
  const [shared, particular] = [lower(locales), lower(own)];
  const tags = locale === undefined ? [] : ancestry(locale);
  const layers = tags.flatMap((tag) => [shared.get(tag), particular.get(tag)]);
  return Object.assign({}, base, special, ...layers);
}

/** What people call a variant: its platform, and its locale unless it is what the content says without any. */
export function variantName(platform: Platform, locale: string | undefined): string {
  return locale === undefined ? platform : `${platform}/${locale}`;
}

/** The names of all variants of these locales, by their numbers. */
export function variantNames(locales: readonly string[]): string[] {
  return [undefined, ...locales].flatMap((locale) =>
    PLATFORMS.map((platform) => variantName(platform, locale)),
  );
}
