import { createBoundedMap } from '../bounded-map.ts';
import { ABBREVIATIONS, RENAMED } from './time-zone-names.ts';

const MAX_LENGTH = 64;
const NAMES = 10_000;
const known = createBoundedMap<string, { readonly zone: string | undefined }>(NAMES);

/**
 * The one name under which a zone is stored, which `Intl`, Postgres and Temporal's server all know. Case and
 * old names are mended (`asia/calcutta` is Asia/Kolkata), and whole hours from UTC too (`GMT+08:00` is
 * Etc/GMT-8, whose sign is that of POSIX). Undefined for an abbreviation and for anything else. Answers are
 * cached, as `Intl` takes tens of microseconds.
 */
export function canonicalTimeZone(text: string): string | undefined {
  if (text.length > MAX_LENGTH) return undefined;
  const before = known.get(text);
  if (before !== undefined) return before.zone;
  const name = text.trim();
  const zone = zoneOfOffset(name) ?? (isAbbreviation(name) ? undefined : resolved(name));
  known.set(text, { zone });
  return zone;
}

export function isTimeZone(text: string): boolean {
  return canonicalTimeZone(text) !== undefined;
}

/** Why the text is not a time zone and what to write. Undefined for a time zone. */
export function timeZoneFault(text: string): string | undefined {
  if (canonicalTimeZone(text) !== undefined) return undefined;
  const name = text.trim();
  const meant = isAbbreviation(name) ? (ABBREVIATIONS[name.toUpperCase()] ?? []) : [];
  if (meant.length > 1) return `${name} is used for several time zones: write ${listed(meant)}`;
  if (meant.length === 1) return `${name} is an abbreviation: write ${listed(meant)}`;
  if (OFFSET.test(name))
    return 'must be the name of a time zone, for example Asia/Kolkata, or whole hours, as in UTC+8';
  const near = zonesOfCity(name);
  if (near.length > 0) return `must be an IANA time zone: write ${listed(near)}`;
  return 'must be an IANA time zone, for example Europe/Berlin';
}

function isAbbreviation(name: string): boolean {
  return Object.hasOwn(ABBREVIATIONS, name.toUpperCase());
}

function resolved(name: string): string | undefined {
  // `Intl` takes offsets, and zones of System V that nothing else knows.
  if (/^(?:[+-]|SystemV\/)/i.test(name)) return undefined;
  try {
    const { timeZone } = new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions();
    return RENAMED[timeZone] ?? timeZone;
  } catch {
    return undefined;
  }
}

const OFFSET = /^(?:GMT|UTC)?(?<sign>[+\u2212-])(?<hours>\d{1,2})(?::?(?<minutes>\d{2}))?$/i;
const FURTHEST = { east: 14, west: 12 };

function zoneOfOffset(name: string): string | undefined {
  const { sign, hours, minutes = '00' } = OFFSET.exec(name)?.groups ?? {};
  if (sign === undefined || /^[+\u2212-]/.test(name) || Number(minutes) !== 0) return undefined;
  const number = Number(hours);
  const isEast = sign === '+';
  if (number > (isEast ? FURTHEST.east : FURTHEST.west)) return undefined;
  return number === 0 ? 'UTC' : `Etc/GMT${isEast ? '-' : '+'}${number}`;
}

/** At most three zones that are named after this city. */
function zonesOfCity(name: string): string[] {
  const end = `/${name.split('/').at(-1)?.trim().replaceAll(/\s+/g, '_').toLowerCase()}`;
  const zones = Intl.supportedValuesOf('timeZone').filter((zone) => zone.toLowerCase().endsWith(end));
  return zones.map((zone) => RENAMED[zone] ?? zone).slice(0, 3);
}

function listed(zones: readonly string[]): string {
  return [zones.slice(0, -1).join(', '), zones.at(-1)].filter(Boolean).join(' or ');
}
