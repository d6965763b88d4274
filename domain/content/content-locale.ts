import type { Content } from './content.ts';

/** Chinese is told apart by its script, and devices often name a region instead. */
const TRADITIONAL = ['hant', 'tw', 'hk', 'mo'];

/** All locales of a content, in lower case, in a fixed order: their places are part of a variant's number. */
export function localesOf(content: Content): readonly string[] {
  const platforms = Object.values(content.platforms ?? {});
  const all = [content, ...platforms].flatMap(({ locales }) => Object.keys(locales ?? {}));
  return [...new Set(all.map((tag) => tag.toLowerCase()))].sort();
}

/** The tags that fit a device's locale, best first. `db/caps/content-columns.ts` says the same in SQL. */
function tagsFor(deviceLocale: string): string[] {
  const tag = deviceLocale.toLowerCase().replaceAll('_', '-');
  const [language = '', second, third] = tag.split('-');
  return [
    tag,
    ...(second === undefined ? [] : [`${language}-${second}`]),
    ...(third === undefined ? [] : [`${language}-${third}`]),
    ...(language === 'zh' ? [chineseOf(second, third)] : []),
    language,
  ];
}

function chineseOf(second = '', third = ''): string {
  return TRADITIONAL.includes(second) || (second !== 'hans' && TRADITIONAL.includes(third))
    ? 'zh-hant'
    : 'zh-hans';
}

/** Which of the locales a device with this one gets; undefined for what the content says without any. */
export function matchLocale(locales: readonly string[], deviceLocale: string | null): string | undefined {
  if (deviceLocale === null) return undefined;
  return tagsFor(deviceLocale).find((tag) => locales.includes(tag));
}

/** The locale and those it completes, least special first: `pt-BR` says what differs from `pt`. */
export function ancestry(tag: string): string[] {
  const parts = tag.split('-');
  return parts.map((_, index) => parts.slice(0, index + 1).join('-'));
}
