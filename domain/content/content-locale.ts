import { createBoundedMap } from '../bounded-map.ts';
import { canonicalLocale, localeChain, NEIGHBOURS, PARENTS } from '../locale.ts';
import type { Content } from './content.ts';

/** All locales of a content in their canonical form. The order is fixed, because variant numbers depend on it. */
export function localesOf(content: Content): readonly string[] {
  const platforms = Object.values(content.platforms ?? {});
  const all = [content, ...platforms].flatMap((part) => Object.keys(part?.locales ?? {}));
  return [...new Set(all.map(canonicalOf))].sort();
}

/** The form in which two spellings of a locale are equal. */
export function canonicalOf(tag: string): string {
  return canonicalLocale(tag) ?? tag;
}

/** The content's locale for a device of this locale. Undefined for the content without a locale. */
export function matchLocale(locales: readonly string[], deviceLocale: string | null): string | undefined {
  if (deviceLocale === null) return undefined;
  return chainOf(deviceLocale).find((tag) => locales.includes(tag));
}

/** The locales whose texts fit, best first. A language that CLDR does not know has no parents but itself. */
function chainOf(locale: string): readonly string[] {
  const known = chains.get(locale);
  if (known !== undefined) return known;
  const made = newChain(locale);
  chains.set(locale, made);
  return made;
}

const CHAINS = 5000;
const chains = createBoundedMap<string, readonly string[]>(CHAINS);

function newChain(locale: string): readonly string[] {
  const own = canonicalLocale(locale);
  if (own === undefined) return [];
  const { language, script, region } = new Intl.Locale(own).maximize();
  const isKnown = script !== undefined && region !== undefined;
  return isKnown && scriptOf(language) !== undefined ? [...localeChain(own)] : [...new Set([own, language])];
}

function scriptOf(language: string): string | undefined {
  return new Intl.Locale(language).maximize().script;
}

/** The locale after its parents, most general first: `pt`, then `pt-BR` with the differences from `pt`. */
export function ancestry(tag: string): string[] {
  return chainOf(tag).toReversed();
}

/**
 * The content's locales by the locales of devices, in lower case. A locale with a region that is not among
 * them has what the locale without its region has. `db/caps/content-columns.ts` looks devices up in this table.
 */
export function localeTable(content: Content): ReadonlyMap<string, string | undefined> {
  const locales = localesOf(content);
  const table = new Map<string, string | undefined>(locales.map((tag) => [tag.toLowerCase(), tag]));
  for (const stem of stemsOf(locales)) {
    const own = matchLocale(locales, stem);
    if (own !== undefined) table.set(stem.toLowerCase(), own);
    for (const region of regionsOf(stem, locales)) {
      const tag = `${stem}-${region}`;
      const found = matchLocale(locales, tag);
      if (found !== own) table.set(tag.toLowerCase(), found);
    }
  }
  return table;
}

/** Languages with and without a script, of the content's locales and of languages whose readers take these. */
function stemsOf(locales: readonly string[]): Set<string> {
  const languages = withNeighbours(new Set(locales.map(languageOf)));
  const named = locales.flatMap((tag) => stemOf(new Intl.Locale(tag).maximize()));
  const usual = [...languages].flatMap((language) => [language, ...traitsOf(language).stems]);
  return new Set([...named, ...usual]);
}

/** The languages, and those whose readers read one of them: Nynorsk reads Norwegian, and that Bokmål. */
function withNeighbours(languages: Set<string>): Set<string> {
  const near = [...NEIGHBOURS].flatMap(([from, to]) =>
    languages.has(languageOf(to)) ? languageOf(from) : [],
  );
  const more = new Set([...languages, ...near]);
  return more.size === languages.size ? languages : withNeighbours(more);
}

/** The regions in which a locale may read another text than without its region. */
function regionsOf(stem: string, locales: readonly string[]): Set<string> {
  const { language, script } = new Intl.Locale(stem);
  const { parents, odd } = traitsOf(language);
  const named = locales.flatMap((tag) => new Intl.Locale(tag).region ?? []);
  return new Set([...named, ...parents, ...(script === undefined ? odd : [])]);
}

interface Traits {
  /** The language with each of its scripts. */
  readonly stems: readonly string[];
  /** The regions where a script other than the usual one is likely. */
  readonly odd: readonly string[];
  /** The regions whose locales have parents of their own, and these parents'. */
  readonly parents: readonly string[];
}
const traits = new Map<string, Traits>();

/** What CLDR says of a language. Computed once, because there are hundreds of regions. */
function traitsOf(language: string): Traits {
  const known = traits.get(language);
  if (known !== undefined) return known;
  const usual = new Intl.Locale(language).maximize();
  const likely = REGIONS.map((region) => new Intl.Locale(`${language}-${region}`).maximize());
  const odd = likely.filter(({ script }) => script !== usual.script);
  const related = [...PARENTS].flat().map((tag) => new Intl.Locale(tag));
  const made = {
    stems: [...new Set([usual, ...odd].flatMap(stemOf))],
    odd: odd.flatMap(({ region }) => region ?? []),
    parents: related.flatMap((tag) => (tag.language === language ? (tag.region ?? []) : [])),
  };
  traits.set(language, made);
  return made;
}

function languageOf(tag: string): string {
  return new Intl.Locale(tag).language;
}

function stemOf({ language, script }: Intl.Locale): string[] {
  return script === undefined ? [] : [`${language}-${script}`];
}

const CODES = Array.from({ length: 26 * 26 }, (_, no) =>
  String.fromCharCode(65 + Math.floor(no / 26), 65 + (no % 26)),
);
const names = new Intl.DisplayNames('en', { type: 'region', fallback: 'none' });
const REGIONS = CODES.filter((code) => names.of(code) !== undefined);
