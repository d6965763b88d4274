import type { Content } from './content.ts';

/** Subtags that mean Traditional Chinese. The script decides, but devices often name a region instead. */
const TRADITIONAL = ['hant', 'tw', 'hk', 'mo'];

/** All locales of a content, in lower case. The order is fixed, because variant numbers depend on it. */
export function localesOf(content: Content): readonly string[] {
  const platforms = Object.values(content.platforms ?? {});
  const all = [content, ...platforms].flatMap(({ locales }) => Object.keys(locales ?? {}));
  return [...new Set(all.map((tag) => tag.toLowerCase()))].sort();
}

/** The tags that match a device's locale, best first. `db/caps/content-columns.ts` is the same in SQL. */
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

/** The content's locale for a device of this locale. Undefined for the content without a locale. */
export function matchLocale(locales: readonly string[], deviceLocale: string | null): string | undefined {
  if (deviceLocale === null) return undefined;
  return tagsFor(deviceLocale).find((tag) => locales.includes(tag));
}

/** The locale after its parents, most general first: `pt`, then `pt-BR` with the differences from `pt`. */
export function ancestry(tag: string): string[] {
  const parts = tag.split('-');
  return parts.map((_, index) => parts.slice(0, index + 1).join('-'));
}
