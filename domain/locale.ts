/** Parents of CLDR 48 (`parentLocales`) that are not found by cutting off the last subtag. */
const CHILDREN: Readonly<Record<string, string>> = {
  'en-001':
    '150 AG AI AU BB BM BS BW BZ CC CK CM CX CY DG DM ER FJ FK FM GB GD GG GH GI GM GS GY HK ID IE IL IM IN ' +
    'IO JE JM KE KI KN KY LC LR LS MG MO MS MT MU MV MW MY NA NF NG NR NU NZ PG PK PN PW RW SB SC SD SG SH ' +
    'SL SS SX SZ TC TK TO TT TV TZ UG VC VG VU WS ZA ZM ZW',
  'en-150': 'AT BE CH CZ DE DK EE ES FI FR GE HU IT LT LV NL NO PL PT RO SE SI SK UA',
  'es-419': 'AR BO BR BZ CL CO CR CU DO EC GT HN JP MX NI PA PE PR PY SV US UY VE',
  'pt-PT': 'AO CH CV FR GQ GW LU MO MZ ST TL',
  'zh-Hant-HK': 'MO',
};
export const PARENTS: ReadonlyMap<string, string> = new Map(
  Object.entries(CHILDREN).flatMap(([parent, regions]) =>
    regions.split(' ').map((region) => [parent.replace(/[^-]+$/, region), parent] as const),
  ),
);

/** Languages whose speakers read another one, each with that one. */
export const NEIGHBOURS: ReadonlyMap<string, string> = new Map([
  ['nb', 'no'],
  ['nn', 'no'],
  ['no', 'nb'],
  ['ht', 'fr-HT'],
  ['hi-Latn', 'en-IN'],
  ['yue', 'zh-Hant-HK'],
  ['yue-Hans', 'zh-Hans'],
]);
const NORWEGIAN = ['nb', 'nn', 'no'];

const MAX_LENGTH = 64;

/**
 * Names that .NET and the folders of Android have, languages written as kinds of Chinese, and codes of countries
 * that are no languages.
 */
const FORMS: readonly (readonly [RegExp, string])[] = [
  [/^jp(?![a-z])/i, 'ja'],
  [/^cn(?![a-z])/i, 'zh'],
  [/^cz(?![a-z])/i, 'cs'],
  [/^dk(?![a-z])/i, 'da'],
  [/^gr(?![a-z])/i, 'el'],
  [/^ua(?![a-z])/i, 'uk'],
  [/^vn(?![a-z])/i, 'vi'],
  [/^zh[-_]chs$/i, 'zh-Hans'],
  [/^zh[-_]cht$/i, 'zh-Hant'],
  [/^([a-z]{2,3})-r(?=[a-z]{2}$)/i, '$1-'],
  [/^zh[-_](?=(?:yue|cmn|hak|nan|wuu|gan|hsn)(?:[-_]|$))/i, ''],
];

/**
 * The form of BCP 47 in which a locale is stored and compared: `id_ID`, `in-id` and `IN` become `id-ID`, `id-ID`
 * and `id`. Extensions and the encoding of a POSIX name are left out. Undefined for text that names no language.
 */
export function canonicalLocale(text: string): string | undefined {
  if (text.length > MAX_LENGTH) return undefined;
  try {
    const { language, baseName } = new Intl.Locale(orderedTag(text));
    return language === 'und' || language.length > 3 ? undefined : baseName.replace(/-u-.*$/, '');
  } catch {
    return undefined;
  }
}

/** Script names of POSIX modifiers, as in `sr_RS@latin`. */
const MODIFIERS: Readonly<Record<string, string>> = { latin: 'Latn', cyrillic: 'Cyrl', devanagari: 'Deva' };

/** A subtag for a variant, which Java may also use for what BCP 47 calls an extension (`th_TH_TH`). */
const VARIANT = /^(?:[a-z\d]{5,8}|\d[a-z\d]{3})$/i;
const SHAPES = [/^[a-z]{4}$/i, /^(?:[a-z]{2}|\d{3})$/i];

/** The subtags in the order of BCP 47: Java puts the script last (`zh_TW_#Hant`), POSIX behind an `@`. */
function orderedTag(text: string): string {
  const [, name = '', modifier = ''] = /^([^.@]*)(?:\.[^@]*)?(?:@(.*))?$/.exec(text.trim()) ?? [];
  const plain = FORMS.reduce((tag, [form, instead]) => tag.replace(form, instead), name);
  const [first = '', ...others] = plain.split(/[-_]+/);
  const subtags = others.map((subtag) => subtag.replace(/^#/, ''));
  const end = subtags.findIndex((subtag) => subtag.length === 1);
  const own = subtags.slice(0, end < 0 ? undefined : end).filter((subtag) => subtag !== '');
  const [script, region] = SHAPES.map((shape) => own.find((subtag) => shape.test(subtag)));
  const variants = own.filter((subtag) => VARIANT.test(subtag));
  if (own.some((subtag) => ![...SHAPES, VARIANT].some((shape) => shape.test(subtag)))) return '';
  return [first, script ?? MODIFIERS[modifier.toLowerCase()], region, ...variants].filter(Boolean).join('-');
}

/**
 * The locales whose text a device of this locale can be shown, the most specific first: its own, the parents of
 * CLDR, then the main region of its language. A script that is not the usual one never falls back to another.
 */
export function localeChain(locale: string): readonly string[] {
  const chain = new Set<string>();
  let next: string | undefined = canonicalLocale(locale);
  while (next !== undefined && !chain.has(next)) {
    for (const tag of lineageOf(next)) chain.add(tag);
    next = neighbourOf(next);
  }
  for (const tag of [...chain]) for (const near of mainRegionOf(tag)) chain.add(near);
  return [...chain];
}

/**
 * The locales that an audience rule may name to meet a device of this locale. A bare language meets all of its
 * locales, and no rule for one language meets another. Norwegian is one language.
 */
export function localesMet(locale: string): readonly string[] {
  const own = canonicalLocale(locale);
  if (own === undefined) return [];
  const { language, script, region } = new Intl.Locale(own);
  const place = script !== undefined && region === undefined ? mainRegionOf(own) : [];
  const languages = NORWEGIAN.includes(language) ? norwegianOf(language) : [language];
  return [...new Set([...lineageOf(own), ...place, ...languages])];
}

function norwegianOf(language: string): string[] {
  return language === 'nn' ? ['nn', 'no'] : ['nb', 'no'];
}

/** The locale and its parents within its language. */
function lineageOf(locale: string): string[] {
  const { language, script: given, region } = new Intl.Locale(locale);
  const script = scriptOf(locale);
  const isUsual = script === scriptOf(language);
  const plain = locale.split('-').slice(0, 1 + Number(given !== undefined) + Number(region !== undefined));
  const tags = [locale, plain.join('-')];
  if (region !== undefined) {
    const short = `${language}-${region}`;
    const full = script === '' ? short : `${language}-${script}-${region}`;
    tags.push(...(scriptOf(short) === script ? [short] : []), full);
    const parent = PARENTS.get(full) ?? (isUsual ? PARENTS.get(short) : undefined);
    if (parent !== undefined) return [...tags, ...lineageOf(parent)];
  }
  return [...tags, ...(isUsual ? [language] : []), ...(script === '' ? [] : [`${language}-${script}`])];
}

function scriptOf(locale: string): string {
  return new Intl.Locale(locale).maximize().script ?? '';
}

function neighbourOf(locale: string): string | undefined {
  const { language } = new Intl.Locale(locale);
  const script = scriptOf(locale);
  const own = `${language}-${script}`;
  return NEIGHBOURS.get(own) ?? (script === scriptOf(language) ? NEIGHBOURS.get(language) : undefined);
}

/** The language in the region where most of its readers are: `zh-TW` for `zh-Hant`, `pt-BR` for `pt`. */
function mainRegionOf(locale: string): string[] {
  const { language, script, region } = new Intl.Locale(locale).maximize();
  // CLDR knows neither for rare languages.
  if (script === undefined || region === undefined) return [];
  if (locale !== language && locale !== `${language}-${script}`) return [];
  const short = `${language}-${region}`;
  return [...(scriptOf(short) === script ? [short] : []), `${language}-${script}-${region}`];
}
