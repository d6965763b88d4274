import { PLATFORMS, type Platform } from '../../domain/platform.ts';
import type { ValueReason } from './reasons.ts';

/** Values as spreadsheets and CRMs write them. */

const FLAGS: ReadonlyMap<string, boolean> = new Map([
  ...words(
    true,
    'true t yes y 1 1.0 on x wahr ja vrai oui verdadero si sí vero sim verdadeiro waar prawda tak sand sant да истина 是 真 はい 예 evet doğru ano pravda kyllä tosi igaz igen ναι نعم כן ✓ ✔',
  ),
  ...words(
    false,
    'false f no n 0 0.0 off falsch nein faux non falso não nao onwaar nee fałsz nie falsk nej нет ложь 否 假 いいえ 아니요 hayır yanlış ne nepravda ei epätosi hamis nem όχι لا לא',
  ),
  ...words(true, 'unsubscribed optedout optout abgemeldet désinscrit désabonné'),
  ...words(false, 'subscribed optedin optin'),
]);

function words(flag: boolean, list: string): (readonly [string, boolean])[] {
  return list.split(' ').map((word) => [word, flag] as const);
}

/** Whether a value says yes or no. The words of consent are those of opting out. */
export function readFlag(value: unknown): boolean | undefined {
  if (typeof value === 'boolean') return value;
  const text = typeof value === 'number' ? String(value) : value;
  if (typeof text !== 'string') return undefined;
  const plain = text
    .normalize('NFKC')
    .replace(/[\u200b\ufeff]/g, '')
    .trim()
    .toLowerCase();
  return FLAGS.get(plain) ?? FLAGS.get(plain.replace(/[\s_-]/g, ''));
}

const PLATFORM_WORDS: ReadonlyMap<string, Platform> = new Map([
  ...PLATFORMS.map((name) => [name, name] as const),
  ...platformWords('ios', 'iphone iphoneos ipad ipados apple apns iospush'),
  ...platformWords('android', 'androidos google fcm androidpush'),
  ...platformWords(
    'web',
    'website webpush browser chrome firefox safari edge chromepush firefoxpush safaripush',
  ),
]);

function platformWords(platform: Platform, list: string): (readonly [string, Platform])[] {
  return list.split(' ').map((word) => [word, platform] as const);
}

export function readPlatform(value: unknown): Platform | undefined {
  if (typeof value !== 'string') return undefined;
  return PLATFORM_WORDS.get(value) ?? PLATFORM_WORDS.get(plainPlatform(value));
}

/** Without the version that CRMs add, as in `Android 14`. */
function plainPlatform(value: string): string {
  const name = value.trim().toLowerCase();
  return name.replace(/[\s_/-]+v?\d+(?:\.\d+)*$/, '').replace(/[\s_-]/g, '');
}

export const DATE_ORDERS = ['mdy', 'dmy'] as const;
export type DateOrder = (typeof DATE_ORDERS)[number];

const OFFSET = String.raw`(z|utc|gmt|[+-]\d\d(?::?\d\d)?)`;
const TIME = String.raw`(\d\d?):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?`;
const YEAR_FIRST = new RegExp(
  `^(\\d{4})([-/.])(\\d\\d?)\\2(\\d\\d?)(?:(?:t|\\s+)${TIME}\\s*${OFFSET}?(?:\\s*utc)?)?$`,
  'i',
);
const YEAR_LAST = new RegExp(
  String.raw`^(\d\d?)([-/.])(\d\d?)\2(\d{4}|\d\d)(?:,?\s+${TIME}\s*([ap]\.?m\.?)?)?$`,
  'i',
);
/** Seconds, or milliseconds, since 1970. */
const EPOCH = /^(\d{9,10})(?:\.\d+)?$|^(\d{12,13})$/;
const FIRST_MS = Date.UTC(1970, 0, 1);
const LAST_MS = Date.UTC(2200, 0, 1);

/** A moment, or why there is none. A time without an offset is UTC, as push products export it. */
export function readTime(
  text: string,
  order?: DateOrder,
): Date | Extract<ValueReason, 'invalid_time' | 'ambiguous_date'> {
  const epoch = EPOCH.exec(text);
  if (epoch !== null) return new Date(Number(epoch[1] ?? 0) * 1_000 + Number(epoch[2] ?? 0));
  const first = YEAR_FIRST.exec(text);
  if (first !== null) {
    const [, year, , month, day, hour, minute, second, fraction, offset] = first;
    return momentOf({ year, month, day, hour, minute, second, fraction, offset });
  }
  const last = YEAR_LAST.exec(monthAsNumber(text));
  return last === null ? 'invalid_time' : yearLast(last, order);
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const MONTH = `(${MONTHS.join('|')})[a-z]*\\.?`;
const DAY_FIRST = new RegExp(String.raw`^(?:[a-z]{3,9},?\s+)?(\d\d?)[\s-]+${MONTH}[\s,-]+(\d{4})`, 'i');
const MONTH_FIRST = new RegExp(String.raw`^(?:[a-z]{3,9},?\s+)?${MONTH}\s+(\d\d?),?\s+(\d{4})`, 'i');

/** `1 Nov 2026` and `November 1, 2026` as `1.11.2026`. */
function monthAsNumber(text: string): string {
  const numberOf = (name: string) => MONTHS.indexOf(name.slice(0, 3).toLowerCase()) + 1;
  return text
    .replace(DAY_FIRST, (_, day, month, year) => `${day}.${numberOf(month)}.${year}`)
    .replace(MONTH_FIRST, (_, month, day, year) => `${day}.${numberOf(month)}.${year}`);
}

function yearLast(parts: RegExpExecArray, order: DateOrder | undefined) {
  const [, one = '', separator, two = '', yearText = '', hourText, minute, second, fraction, half] = parts;
  const year = yearText.length === 2 ? `20${yearText}` : yearText;
  const known = separator === '.' ? 'dmy' : (orderByValue(Number(one), Number(two)) ?? order);
  if (known === undefined) return 'ambiguous_date';
  const [month, day] = known === 'mdy' ? [one, two] : [two, one];
  return momentOf({
    year,
    month,
    day,
    hour: hourOf(hourText, half),
    minute,
    second,
    fraction,
    offset: undefined,
  });
}

function orderByValue(one: number, two: number): DateOrder | undefined {
  if (one > 12) return 'dmy';
  return two > 12 || one === two ? 'mdy' : undefined;
}

function hourOf(text: string | undefined, half: string | undefined): string | undefined {
  if (text === undefined || half === undefined) return text;
  const hour = Number(text);
  if (hour < 1 || hour > 12) return '99';
  return String((hour % 12) + (half.toLowerCase().startsWith('p') ? 12 : 0));
}

type Part = 'year' | 'month' | 'day' | 'hour' | 'minute' | 'second' | 'fraction' | 'offset';
type Parts = Readonly<Record<Part, string | undefined>>;

/** `Date.UTC` takes 30 February for 2 March, so each part is compared afterwards. */
function momentOf(parts: Parts): Date | 'invalid_time' {
  const number = (text: string | undefined) => Number(text ?? 0);
  const [year, month, day] = [number(parts.year), number(parts.month), number(parts.day)];
  const [hour, minute, second] = [number(parts.hour), number(parts.minute), number(parts.second)];
  const ms = Math.floor(Number(`0.${parts.fraction ?? 0}`) * 1_000);
  const local = new Date(Date.UTC(year, month - 1, day, hour, minute, second, ms));
  const isReal =
    local.getUTCMonth() === month - 1 &&
    local.getUTCDate() === day &&
    hour < 24 &&
    minute < 60 &&
    second < 60;
  const offset = offsetMs(parts.offset);
  const at = local.getTime() - (offset ?? 0);
  return isReal && offset !== undefined && at >= FIRST_MS && at < LAST_MS ? new Date(at) : 'invalid_time';
}

function offsetMs(text: string | undefined): number | undefined {
  const [, sign, hours, minutes = '0'] = /^([+-])(\d\d):?(\d\d)?$/.exec(text ?? '') ?? [];
  if (sign === undefined) return 0;
  const total = Number(hours) * 60 + Number(minutes);
  if (total > 14 * 60 || Number(minutes) > 59) return undefined;
  return (sign === '-' ? -total : total) * 60_000;
}

/** A long number that a spreadsheet has rounded, as in `8.61E+17`. */
const ROUNDED = /^\d(?:[.,]\d+)?E\+\d{1,3}$/i;

export function isRoundedBySpreadsheet(text: string): boolean {
  return ROUNDED.test(text);
}

/** A number of up to 15 digits. Longer ones, and those with leading zeros, stay text and lose nothing. */
const NUMBER = /^-?(?:0|[1-9]\d{0,14})(?:\.\d{1,6})?$/;

/** The cell of a column that becomes an attribute. An empty cell clears the attribute. */
export function readAttribute(cell: string): string | number | boolean | null {
  const text = cell.trim();
  if (text === '') return null;
  if (NUMBER.test(text) && text.length <= 16) return Number(text);
  const lower = text.toLowerCase();
  return lower === 'true' ? true : lower === 'false' ? false : text;
}
