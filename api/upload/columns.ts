import { type BoundedMap, createBoundedMap } from '../../domain/bounded-map.ts';
import { LIMITS } from '../../domain/devices/device.ts';
import { type Fault, Problem } from '../http/problem.ts';
import { splitCsvLine } from './csv-line.ts';

export const UNKNOWN_COLUMNS = ['ignore', 'attributes', 'refuse'] as const;
export type UnknownColumns = (typeof UNKNOWN_COLUMNS)[number];

/** The names of a file's columns, and what each means. */
export interface Naming<Column extends string> {
  readonly known: readonly Column[];
  readonly required: readonly Column[];
  /** Other names of columns, compared as `plainName` writes them. */
  readonly aliases?: Readonly<Record<string, Column>>;
  /** Columns of an export of ours that an import cannot set. */
  readonly unset?: readonly string[];
  readonly unknownColumns?: UnknownColumns;
}

/** How the cells of a row are read. */
export interface Layout<Column extends string> {
  readonly delimiter: string;
  /** Null for a column that is ignored. */
  readonly columns: readonly (Column | null)[];
  /** The name of a column that becomes an attribute. */
  readonly attributes: readonly (string | null)[];
  readonly ignored: readonly string[];
}

const DELIMITERS = [',', ';', '\t'] as const;
const SEP_LINE = /^\s*"?sep=(.)"?\s*$/i;

/** The delimiter of Excel's first line, `sep=;`. */
export function delimiterOfSepLine(line: string): string | undefined {
  const found = SEP_LINE.exec(line)?.[1];
  return found ?? (/^\s*sep=\t\s*$/i.test(line) ? '\t' : undefined);
}

/** The layout by the header. Throws a Problem that lists all faults of the header. */
export function readHeader<Column extends string>(
  line: string | null,
  naming: Naming<Column>,
  given?: string,
): Layout<Column> {
  const delimiter = given ?? likeliestDelimiter(line ?? '', naming);
  const names = line === null ? undefined : splitCsvLine(line, delimiter)?.map((name) => name.trim());
  if (names === undefined) throw headerProblem(['is not a CSV header']);
  const columns = names.map((name) => columnOf(name, naming));
  const isUnknown = (name: string, i: number) => name !== '' && columns[i] === null && !isUnset(name, naming);
  const takesAttributes = naming.unknownColumns === 'attributes';
  const attributes = names.map((name, i) => (takesAttributes && isUnknown(name, i) ? name : null));
  const ignored = names.filter((name, i) => name !== '' && columns[i] === null && attributes[i] === null);
  const faults = [
    ...(naming.unknownColumns === 'refuse' ? names.filter(isUnknown) : []).map(
      (name) => `${shown(name)} is not a known column`,
    ),
    ...repeated(columns).map((name) => `the column ${name} appears twice`),
    ...repeated(attributes).map((name) => `${shown(name)} appears twice`),
    ...attributes
      .filter((name) => name !== null && name.length > 100)
      .map((name) => `${shown(name ?? '')} is longer than the name of an attribute may be, 100 characters`),
    ...(attributes.filter((name) => name !== null).length > LIMITS.attributes
      ? [`more than ${LIMITS.attributes} columns would become attributes; remove those that you do not need`]
      : []),
    ...naming.required.filter((name) => !columns.includes(name)).map((name) => missing(name, names)),
  ];
  if (faults.length > 0) throw headerProblem(faults);
  return { delimiter, columns, attributes, ignored };
}

function missing(name: string, names: readonly string[]): string {
  return `the column ${name} is missing; the header has ${shown(names.join(', '))}`;
}

/** The delimiter that finds most known columns, and of equals the one that makes most cells. */
function likeliestDelimiter<Column extends string>(line: string, naming: Naming<Column>): string {
  const scores = DELIMITERS.map((delimiter) => {
    const names = splitCsvLine(line, delimiter) ?? [];
    const found = names.filter((name) => columnOf(name, naming) !== null).length;
    return { delimiter, score: found * 1_000 + Math.min(999, names.length) };
  });
  return scores.reduce((best, one) => (one.score > best.score ? one : best)).delimiter;
}

/** `Device ID`, `deviceId` and `device-id` are one name. */
export function plainName(name: string): string {
  return name.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, '');
}

const NAMES = 1_000;
const columnsByName = new WeakMap<object, BoundedMap<string, string | null>>();

/** The column that a name means. Answers are cached, because NDJSON names its fields in each row. */
export function columnOf<Column extends string>(name: string, naming: Naming<Column>): Column | null {
  const cache = columnsByName.get(naming) ?? createBoundedMap<string, string | null>(NAMES);
  columnsByName.set(naming, cache);
  const before = cache.get(name);
  if (before !== undefined) return before as Column | null;
  const column = namedColumn(name, naming);
  cache.set(name, column);
  return column;
}

function namedColumn<Column extends string>(
  name: string,
  { known, aliases = {} }: Naming<Column>,
): Column | null {
  const plain = plainName(name);
  if (Object.hasOwn(aliases, plain)) return aliases[plain] ?? null;
  return known.find((column) => plainName(column) === plain) ?? null;
}

export function isUnset<Column extends string>(name: string, { unset = [] }: Naming<Column>): boolean {
  return unset.includes(plainName(name));
}

function repeated(names: readonly (string | null)[]): string[] {
  const twice = names.filter((name, i) => name !== null && names.indexOf(name) !== i);
  return [...new Set(twice.filter((name) => name !== null))];
}

function shown(name: string): string {
  return JSON.stringify(name.slice(0, 100));
}

function headerProblem(details: readonly string[]): Problem {
  const errors: Fault[] = details.slice(0, 100).map((detail) => ({ line: 1, detail }));
  return new Problem('invalid_request', 'The header of the CSV file is not valid', { errors });
}
