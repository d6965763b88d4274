import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PLATFORMS } from '../platform.ts';
import { Content } from './content.ts';
import { canonicalOf, localesOf, matchLocale } from './content-locale.ts';
import { messageOf, readVariant, variantOf } from './content-variant.ts';

const base = { title: 'Hello', body: 'World' };

const LOCALES = ['de', 'de-AT', 'es', 'es-419', 'yi', 'id', 'no', 'pt-BR', 'zh', 'zh-TW'];

test.each([
  ['de-AT', 'de-AT'],
  ['de_AT', 'de-AT'],
  ['de-CH', 'de'],
  ['DE', 'de'],
  ['fr', undefined],
  ['zh-TW', 'zh-TW'],
  ['zh-HK', 'zh-TW'],
  ['zh-Hant', 'zh-TW'],
  ['zh-Hant-HK', 'zh-TW'],
  ['zh_TW_#Hant', 'zh-TW'],
  ['zh-Hans-HK', 'zh'],
  ['zh', 'zh'],
  ['pt-Latn-BR', 'pt-BR'],
  ['in_ID', 'id'],
  ['ji_UA', 'yi'],
  ['nb-NO', 'no'],
  ['nn-NO', 'no'],
  ['es-MX', 'es-419'],
  ['es-ES', 'es'],
  ['', undefined],
  [null, undefined],
])('a device in %s gets %s', (device, expected) => {
  expect(matchLocale(LOCALES, device)).toBe(expected);
});

test('a content that says ji and one that says yi are the same, and none says both', () => {
  const content = Content.parse({ ...base, locales: { ji: { title: 'שלום' }, zh_Hant: { title: '你好' } } });
  expect(localesOf(content)).toEqual(['yi', 'zh-Hant']);
  expect(messageOf(content, 'ios', 'yi')).toMatchObject({ title: 'שלום' });
  expect(messageOf(content, 'ios', 'zh-Hant')).toMatchObject({ title: '你好' });
  expect(Content.safeParse({ ...base, locales: { ji: {}, yi: {} } }).success).toBe(false);
});

test('the more specific part wins, and missing fields come from the more general part', () => {
  const content = Content.parse({
    ...base,
    sound: 'bell',
    locales: { de: { title: 'Hallo', body: 'Welt' }, 'de-AT': { title: 'Servus' } },
    platforms: { ios: { title: 'Hello iPhone', ttlSeconds: 60, locales: { de: { title: 'Hallo iPhone' } } } },
  });
  expect(messageOf(content, 'android', undefined)).toMatchObject({
    ...base,
    sound: 'bell',
    ttlSeconds: 86_400,
  });
  expect(messageOf(content, 'ios', undefined)).toMatchObject({ title: 'Hello iPhone', ttlSeconds: 60 });
  expect(messageOf(content, 'android', 'de-AT')).toMatchObject({
    title: 'Servus',
    body: 'Welt',
    sound: 'bell',
  });
  expect(messageOf(content, 'ios', 'de')).toMatchObject({ title: 'Hallo iPhone', body: 'Welt' });
  expect(messageOf(content, 'ios', 'de-AT')).toMatchObject({ title: 'Servus', body: 'Welt' });
});

describe('properties', () => {
  const letters = (least: number, most: number) =>
    fc.string({
      unit: fc.constantFrom('a', 'd', 'e', 'h', 'n', 's', 't', 'z'),
      minLength: least,
      maxLength: most,
    });
  const tag = fc
    .tuple(
      letters(2, 2),
      fc.option(letters(4, 4), { nil: undefined }),
      fc.option(letters(2, 2), { nil: undefined }),
    )
    .map((parts) => canonicalOf(parts.filter((part) => part !== undefined).join('-')));
  const contents = fc
    .tuple(fc.uniqueArray(tag, { maxLength: 6 }), fc.uniqueArray(tag, { maxLength: 3 }))
    .map(([shared, own]) => {
      const texts = (tags: string[]) => Object.fromEntries(tags.map((one) => [one, { title: one }]));
      return Content.parse({
        ...base,
        locales: texts(shared),
        platforms: { android: { locales: texts(own) } },
      });
    });

  test('a device gets the message of its locale, else of its language, else the default', () => {
    fc.assert(
      fc.property(contents, tag, fc.constantFrom(...PLATFORMS), (content, device, platform) => {
        const locales = localesOf(content);
        const found = matchLocale(locales, device);
        if (locales.includes(device)) expect(found).toBe(device);
        if (found !== undefined) expect(found.split('-')[0]).toBe(device.split('-')[0]);
        const { title, body } = messageOf(content, platform, found);
        expect(body).toBe('World');
        expect(title === 'Hello' || device.startsWith(title.slice(0, 2))).toBe(true);
      }),
    );
  });

  test('the number of a variant gives its platform and locale', () => {
    fc.assert(
      fc.property(contents, fc.constantFrom(...PLATFORMS), fc.nat(), (content, platform, nth) => {
        const locales = [undefined, ...localesOf(content)];
        const locale = locales[nth % locales.length];
        expect(readVariant(content, variantOf(content, platform, locale))).toEqual({ platform, locale });
      }),
    );
  });
});

test.each([
  [{ locales: { english: {} } }],
  [{ locales: { de: {}, DE: {} } }],
  [{ locales: { de: { title: '' } } }],
  [
    {
      locales: Object.fromEntries(
        Array.from({ length: 51 }, (_, no) => [`a${'abcdefghijklmnopqrstuvwxyz'[no % 26]}-${100 + no}`, {}]),
      ),
    },
  ],
  [{ platforms: { windows: {} } }],
  [{ buttons: [] }],
  [{ collapseKey: 'with space' }],
  [{ variables: { 'a b': {} } }],
])('%j is refused', (more) => {
  expect(Content.safeParse({ ...base, ...more }).success).toBe(false);
});
