import { type core, z } from 'zod';

type Issue = core.$ZodRawIssue;
type IssueOf<Code extends Issue['code']> = Extract<Issue, { code: Code }>;
type Texts = { readonly [Code in Issue['code']]?: (issue: IssueOf<Code>) => string };

/** What is wrong with a value, for rules of schemas that have no words of their own. */
const TEXTS: Texts = {
  invalid_type: ({ expected, input, path }) => {
    const wanted = TYPES[expected] ?? expected;
    if (input !== undefined) return `must be ${wanted}, not ${nameOf(input)}`;
    return path?.length ? 'is required' : 'must be a JSON object; send it as application/json';
  },
  invalid_value: ({ values, input }) => {
    if (input === undefined) return 'is required';
    return `must be ${oneOf(values)}`;
  },
  too_small: ({ origin, minimum, inclusive, exact }) => {
    if (UNITS[origin] !== undefined && minimum === 1 && exact !== true) return 'must not be empty';
    return sizeText(
      origin,
      exact === true ? 'exactly' : inclusive === false ? 'more than' : 'at least',
      minimum,
    );
  },
  too_big: ({ origin, maximum, inclusive, exact }) =>
    sizeText(origin, exact === true ? 'exactly' : inclusive === false ? 'less than' : 'at most', maximum),
  invalid_format: ({ format, note, pattern }) => {
    if (note === 'Invalid protocol') return `must be an address that begins with ${protocolsOf(pattern)}`;
    const wanted = FORMATS[format];
    return wanted === undefined ? `must match the pattern ${pattern}` : `must be ${wanted}`;
  },
  not_multiple_of: ({ divisor }) => `must be a multiple of ${divisor}`,
  invalid_key: ({ issues }) => `is not a valid name: ${issues[0]?.message ?? 'use another name'}`,
  invalid_element: ({ issues }) => issues[0]?.message ?? 'is not valid',
  invalid_union: ({ options }) =>
    Array.isArray(options) && options.length > 0
      ? `must be ${oneOf(options)}`
      : 'fits none of the possible forms; the reference at /docs shows them',
};

const TYPES: Readonly<Record<string, string>> = {
  string: 'a string',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
  null: 'null',
  date: 'a date',
};

const UNITS: Readonly<Record<string, string>> = {
  string: 'characters',
  array: 'items',
  set: 'items',
  map: 'entries',
  record: 'entries',
  object: 'fields',
};

const FORMATS: Readonly<Record<string, string>> = {
  url: 'an address, such as https://shop.example/sale',
  datetime: 'a time with an offset, such as 2027-01-31T09:00:00+08:00',
  date: 'a date, such as 2027-01-31',
  time: 'a time of day, such as 09:00',
  email: 'an email address',
  uuid: 'a UUID',
  base64: 'base64',
  base64url: 'base64url',
};

/** Gives the rules of all schemas these words. */
export function useFaultTexts(): void {
  z.config({ customError: textOf });
}

function textOf(issue: Issue): string | undefined {
  const text = TEXTS[issue.code] as ((found: Issue) => string) | undefined;
  return text?.(issue);
}

function oneOf(values: readonly unknown[]): string {
  const names = values.map((value) => (typeof value === 'string' ? `"${value}"` : String(value)));
  return names.length === 1 ? `${names[0]}` : `one of ${names.join(', ')}`;
}

function nameOf(input: unknown): string {
  if (input === null) return 'null';
  if (Array.isArray(input)) return 'a list';
  if (typeof input === 'boolean') return String(input);
  if (typeof input === 'number' && !Number.isInteger(input)) return Number.isNaN(input) ? 'text' : `${input}`;
  return TYPES[typeof input] ?? typeof input;
}

function sizeText(origin: string, bound: string, size: number | bigint | Date): string {
  const amount = size instanceof Date ? size.toISOString() : String(size);
  const unit = UNITS[origin];
  return unit === undefined ? `must be ${bound} ${amount}` : `must have ${bound} ${amount} ${unit}`;
}

/** The protocols of a pattern such as `^https?$`. */
function protocolsOf(pattern: string | undefined): string {
  const names = (pattern ?? '').replaceAll(/[\^$]/g, '');
  return names.endsWith('?') ? 'http:// or https://' : `${names}://`;
}
