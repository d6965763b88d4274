import { PLATFORMS, type Platform } from '../platform.ts';
import type { Content, Message } from './content.ts';
import { ancestry, canonicalOf, localesOf } from './content-locale.ts';

/** The variants of one locale follow each other, one per platform in the order of PLATFORMS. */
export const VARIANTS_PER_LOCALE = PLATFORMS.length;

/** Whether messages differ by platform, locale or variables. */
export function isPersonal({ locales, platforms, variables }: Content): boolean {
  return locales !== undefined || platforms !== undefined || variables !== undefined;
}

/** The number of a variant. Deliveries store the number, and the message of each variant is made once. */
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

/** The most specific part wins: platform and locale, then locale, then platform, then the base. */
export function messageOf(content: Content, platform: Platform, locale: string | undefined): Message {
  const { locales = {}, platforms, variables: _, collapseKey: __, ...base } = content;
  const { locales: platformLocales = {}, ...platformPart } = platforms?.[platform] ?? {};
  const byLocale = (all: typeof locales) =>
    new Map(Object.entries(all).map(([tag, translation]) => [canonicalOf(tag), translation]));
  const [general, specific] = [byLocale(locales), byLocale(platformLocales)];
  const tags = locale === undefined ? [] : ancestry(locale);
  const layers = tags.flatMap((tag) => [general.get(tag), specific.get(tag)]);
  return Object.assign({}, base, platformPart, ...layers);
}

/** The public name of a variant: its platform, followed by its locale if there is one. */
export function variantName(platform: Platform, locale: string | undefined): string {
  return locale === undefined ? platform : `${platform}/${locale}`;
}

/** The names of all variants of these locales, by their numbers. */
export function variantNames(locales: readonly string[]): string[] {
  return [undefined, ...locales].flatMap((locale) =>
    PLATFORMS.map((platform) => variantName(platform, locale)),
  );
}
