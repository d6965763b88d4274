import { expect, test } from 'vitest';
import { canonicalLocale, localeChain, localesMet, PARENTS } from './locale.ts';

test.each([
  ['in_ID', 'id-ID'],
  ['IN', 'id'],
  ['tl-ph', 'fil-PH'],
  ['ji', 'yi'],
  ['sh', 'sr-Latn'],
  ['zh_TW_#Hant', 'zh-Hant-TW'],
  ['zh__#Hans', 'zh-Hans'],
  ['sr_RS_#Latn', 'sr-Latn-RS'],
  ['sr_RS@latin', 'sr-Latn-RS'],
  ['th_TH_TH_#u-nu-thai', 'th-TH'],
  ['zh_CN_#Hans-u-nu-latn', 'zh-Hans-CN'],
  ['pt_BR.UTF-8', 'pt-BR'],
  ['es_419', 'es-419'],
  ['zh-cmn-Hans-CN', 'zh-Hans-CN'],
  ['zh-yue-HK', 'yue-HK'],
  ['en-US-POSIX', 'en-US'],
  ['de-DE-u-co-phonebk', 'de-DE'],
  ['ca-ES-VALENCIA', 'ca-ES-valencia'],
  [' fr_CA ', 'fr-CA'],
  ['en_', 'en'],
  ['zh-hant-hk', 'zh-Hant-HK'],
])('%s is %s', (text, canonical) => {
  expect(canonicalLocale(text)).toBe(canonical);
  expect(canonicalLocale(canonical)).toBe(canonical);
});

test.each([
  '',
  ' ',
  'C',
  'POSIX',
  'root',
  'und',
  'English',
  'english_US',
  'x-twain',
  'e n',
  '--',
  'pt-',
  'n/a',
  'null!',
])('%j is not a locale unless it names a language', (text) => {
  expect(canonicalLocale(text)).toBe(text === 'pt-' ? 'pt' : undefined);
});

test('a text of any length and kind is judged without an error', () => {
  expect(canonicalLocale('a'.repeat(100_000))).toBeUndefined();
  expect(canonicalLocale('en\u0000')).toBeUndefined();
  expect(localeChain('n/a')).toEqual([]);
  expect(localesMet('n/a')).toEqual([]);
});

/** The first of the offered locales, as content is chosen. */
function chosen(device: string, offered: readonly string[]): string | undefined {
  return localeChain(device).find((tag) => offered.includes(tag));
}

test.each([
  ['es-MX', ['es', 'es-419'], 'es-419'],
  ['es-ES', ['es-419', 'es'], 'es'],
  ['es-AR', ['es-ES'], 'es-ES'],
  ['pt-AO', ['pt', 'pt-PT'], 'pt-PT'],
  ['pt-BR', ['pt-PT', 'pt'], 'pt'],
  ['pt', ['pt-BR', 'pt-PT'], 'pt-BR'],
  ['en-AU', ['en', 'en-001'], 'en-001'],
  ['en-DE', ['en', 'en-150', 'en-001'], 'en-150'],
  ['nb-NO', ['nn', 'no'], 'no'],
  ['nn-NO', ['nb', 'no'], 'no'],
  ['nn-NO', ['nb'], 'nb'],
  ['no', ['nb'], 'nb'],
  ['in_ID', ['id'], 'id'],
  ['ji_US', ['yi'], 'yi'],
  ['tl', ['fil'], 'fil'],
  ['zh-Hant', ['zh', 'zh-TW'], 'zh-TW'],
  ['zh-HK', ['zh', 'zh-Hans', 'zh-TW'], 'zh-TW'],
  ['zh-HK', ['zh-TW', 'zh-Hant', 'zh-HK'], 'zh-HK'],
  ['zh-MO', ['zh-TW', 'zh-HK'], 'zh-HK'],
  ['zh_TW_#Hant', ['zh-TW'], 'zh-TW'],
  ['zh-Hant-TW', ['zh', 'zh-CN'], undefined],
  ['zh-SG', ['zh-TW', 'zh-CN'], 'zh-CN'],
  ['zh-Hans', ['zh-Hant', 'zh'], 'zh'],
  ['sr_RS_#Latn', ['sr'], undefined],
  ['sr-RS', ['sr-Latn', 'sr'], 'sr'],
  ['sr-ME', ['sr-Latn', 'sr'], 'sr-Latn'],
  ['uz-Cyrl-UZ', ['uz'], undefined],
  ['hi-Latn-IN', ['hi', 'en'], 'en'],
  ['de-CH-1996', ['de', 'de-CH'], 'de-CH'],
  ['ja-JP', ['en', 'zh'], undefined],
] as const)('a device of %s is shown one of %j: %s', (device, offered, best) => {
  expect(chosen(device, offered)).toBe(best);
});

test.each([
  ['pt_BR', 'pt', true],
  ['pt', 'pt-BR', false],
  ['in-ID', 'id', true],
  ['nb-NO', 'no', true],
  ['no', 'nb', true],
  ['nn', 'nb', false],
  ['es-MX', 'es-419', true],
  ['es-MX', 'es-ES', false],
  ['zh-HK', 'zh-Hant', true],
  ['zh-HK', 'zh-TW', false],
  ['zh-Hant', 'zh-TW', true],
  ['zh-TW', 'zh', true],
  ['zh-TW', 'zh-Hans', false],
  ['zh-CN', 'zh-Hans', true],
  ['hi-Latn', 'en', false],
] as const)('a rule: whether %s meets %s is %s', (device, rule, isMet) => {
  expect(localesMet(device).includes(rule)).toBe(isMet);
});

test('every parent is a locale in its canonical form, and ends in a language', () => {
  for (const [child, parent] of PARENTS) {
    expect(canonicalLocale(child)).toBe(child);
    expect(localeChain(child)).toContain(parent);
  }
});

test.each([
  'ah',
  'ah-FR',
  'qqq',
  'zz-Latn',
])('a language that CLDR does not know has a chain, %s', (locale) => {
  expect(localeChain(locale)[0]).toBe(locale);
  expect(localesMet(locale)[0]).toBe(locale);
});

test.each([
  ['zh-CHS', 'zh-Hans'],
  ['zh-CHT', 'zh-Hant'],
  ['zh-rTW', 'zh-TW'],
  ['pt-rBR', 'pt-BR'],
  ['zh-yue-HK', 'yue-HK'],
  ['jp', 'ja'],
  ['cn', 'zh'],
  ['cz_CZ', 'cs-CZ'],
])('the form of another product, %s, is %s', (text, locale) => {
  expect(canonicalLocale(text)).toBe(locale);
});
