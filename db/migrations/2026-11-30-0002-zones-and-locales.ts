import { type Kysely, sql } from 'kysely';

/**
 * Stores every time zone and locale in its canonical form, and lists the locales of an app by an index. A zone
 * or locale of a device that cannot be read is removed: the device then has the app's zone and content without
 * a locale. An app keeps the zone by which its tasks were timed. The rules are a copy of those of the product on
 * the day of this migration.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await mend(db, 'apps', 'time_zone', (zone) => canonicalZone(zone) ?? resolvedZone(zone) ?? 'UTC');
  await mend(db, 'devices', 'time_zone', canonicalZone);
  await mend(db, 'devices', 'locale', canonicalLocale);
  await sql`create index on devices (app_id, locale) where locale is not null`.execute(db);
}

async function mend(
  db: Kysely<unknown>,
  table: string,
  column: string,
  mended: (value: string) => string | null,
): Promise<void> {
  const { rows } = await sql<{ value: string }>`
    select distinct ${sql.ref(column)} as value
    from ${sql.table(table)}
    where ${sql.ref(column)} is not null`.execute(db);
  const changes = rows
    .map(({ value }) => [value, mended(value)] as const)
    .filter(([old, now]) => old !== now);
  if (changes.length === 0) return;
  await sql`
    update ${sql.table(table)} stored
    set ${sql.ref(column)} = change.now
    from unnest(${changes.map(([old]) => old)}::text[], ${changes.map(([, now]) => now)}::text[]) change (old, now)
    where stored.${sql.ref(column)} = change.old`.execute(db);
}

const RENAMED = new Map([
  ['Africa/Asmera', 'Africa/Asmara'],
  ['America/Buenos_Aires', 'America/Argentina/Buenos_Aires'],
  ['America/Catamarca', 'America/Argentina/Catamarca'],
  ['America/Coral_Harbour', 'America/Atikokan'],
  ['America/Cordoba', 'America/Argentina/Cordoba'],
  ['America/Godthab', 'America/Nuuk'],
  ['America/Indianapolis', 'America/Indiana/Indianapolis'],
  ['America/Jujuy', 'America/Argentina/Jujuy'],
  ['America/Louisville', 'America/Kentucky/Louisville'],
  ['America/Mendoza', 'America/Argentina/Mendoza'],
  ['Asia/Calcutta', 'Asia/Kolkata'],
  ['Asia/Katmandu', 'Asia/Kathmandu'],
  ['Asia/Rangoon', 'Asia/Yangon'],
  ['Asia/Saigon', 'Asia/Ho_Chi_Minh'],
  ['Atlantic/Faeroe', 'Atlantic/Faroe'],
  ['Europe/Kiev', 'Europe/Kyiv'],
  ['Pacific/Enderbury', 'Pacific/Kanton'],
  ['Pacific/Ponape', 'Pacific/Pohnpei'],
  ['Pacific/Truk', 'Pacific/Chuuk'],
]);

/** The abbreviations that were accepted. Each stood for one zone of several. */
const ABBREVIATION =
  /^(?:A[CEGS]T|AET|ART|BET|BST|CAT|C[NST]T|CST|EAT|ECT|EST|HST|I[ES]T|JST|M[IS]T|N[ES]T|P[LNRS]T|[SV]ST)$/i;

function canonicalZone(name: string): string | null {
  return ABBREVIATION.test(name) ? null : resolvedZone(name);
}

function resolvedZone(name: string): string | null {
  if (/^(?:[+-]|SystemV\/)/i.test(name)) return null;
  try {
    const { timeZone } = new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions();
    return RENAMED.get(timeZone) ?? timeZone;
  } catch {
    return null;
  }
}

const SCRIPT = /^[a-z]{4}$/i;
const REGION = /^(?:[a-z]{2}|\d{3})$/i;
const VARIANT = /^(?:[a-z\d]{5,8}|\d[a-z\d]{3})$/i;

function canonicalLocale(text: string): string | null {
  const name = text.trim().replace(/[.@].*$/, '');
  const [first = '', ...others] = name.replace(/^zh[-_](?=[a-z]{3}(?:[-_]|$))/i, '').split(/[-_]+/);
  const subtags = others.map((subtag) => subtag.replace(/^#/, ''));
  const end = subtags.findIndex((subtag) => subtag.length === 1);
  const own = subtags.slice(0, end < 0 ? undefined : end).filter((subtag) => subtag !== '');
  if (own.some((subtag) => ![SCRIPT, REGION, VARIANT].some((shape) => shape.test(subtag)))) return null;
  const [script, region] = [SCRIPT, REGION].map((shape) => own.find((subtag) => shape.test(subtag)));
  const variants = own.filter((subtag) => VARIANT.test(subtag));
  try {
    const tag = new Intl.Locale([first, script, region, ...variants].filter(Boolean).join('-'));
    const isLanguage = tag.language !== 'und' && tag.language.length <= 3;
    return isLanguage ? tag.baseName.replace(/-u-.*$/, '') : null;
  } catch {
    return null;
  }
}
