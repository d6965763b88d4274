/** A number of a JSON text that JavaScript would change. The schemas take it for no number. */
export class InexactNumber {
  readonly source: string;

  constructor(source: string) {
    this.source = source;
  }
}

export const INEXACT_NUMBER =
  'is a number that JSON does not hold exactly (larger than 9007199254740991, or more than 17 digits); send it as text';

/** A number of 16 characters or with an exponent: the ordinary texts have none, and need no second look. */
const SUSPECT = /(?:^|[:[,\s])-?(?:[\d.]{16}|\d[\d.]*[eE])/;

/** JSON.parse, but for numbers that would change: each becomes an `InexactNumber`. */
export function parseExactJson(text: string): unknown {
  return SUSPECT.test(text)
    ? JSON.parse(text, keepSource as (key: string, value: unknown) => unknown)
    : JSON.parse(text);
}

/** Whether `parseExactJson` has to look at the numbers one by one. */
export function mayBeInexact(text: string): boolean {
  return SUSPECT.test(text);
}

/** The paths of the numbers that would have changed. */
export function inexactPaths(value: unknown, path: readonly string[] = []): (readonly string[])[] {
  if (value instanceof InexactNumber) return [path];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, member]) => inexactPaths(member, [...path, name]));
}

function keepSource(_key: string, value: unknown, { source }: { readonly source?: string }): unknown {
  return typeof value === 'number' && source !== undefined && !isExact(value, source)
    ? new InexactNumber(source)
    : value;
}

/** A double has up to 17 digits. A text of more digits means a number that no double is. */
const DIGITS = 17;

function isExact(value: number, source: string): boolean {
  if (Math.abs(value) > Number.MAX_SAFE_INTEGER) return false;
  const digits = source
    .replace(/[eE].*/, '')
    .replace(/\D/g, '')
    .replace(/^0+|0+$/g, '');
  return value === 0 ? digits === '' : digits.length <= DIGITS;
}
