import { plainCell } from '../csv/csv-cell.ts';
import { BadRows } from './bad-rows.ts';
import { readHeader } from './columns.ts';
import { splitCsvLine } from './csv-line.ts';
import { RowFault } from './device-rows.ts';
import { type Line, linesOf, type Place } from './lines.ts';

/** In `text` each line is a value of the first known column. */
export type Format = 'csv' | 'ndjson' | 'text';

export interface RowReader<Column extends string, Row> {
  readonly known: readonly Column[];
  readonly required: readonly Column[];
  /** Throws a RowFault. */
  read(line: number, raw: { readonly [Name in Column]?: unknown }): Row;
}

/** The progress of reading a file, which is updated while rows are read. */
export interface Tally<Column extends string> {
  rows: number;
  readonly bad: BadRows;
  /** The end of the last row that was read. */
  place: Place;
  /** Null until the header of a CSV file is read. */
  columns: readonly Column[] | null;
}

export function newTally<Column extends string>(): Tally<Column> {
  return { rows: 0, bad: new BadRows(), place: { lines: 0, bytes: 0 }, columns: null };
}

/**
 * Yields rows in batches, one for each chunk of the file. Bad rows go to the tally and do not stop the reading.
 * The bytes begin at the place of the tally.
 */
export async function* readRows<Column extends string, Row>(
  bytes: AsyncIterable<Buffer>,
  format: Format,
  reader: RowReader<Column, Row>,
  tally: Tally<Column>,
): AsyncGenerator<Row[]> {
  if (format !== 'csv') tally.columns = reader.known.slice(0, format === 'text' ? 1 : undefined);
  for await (const { lines, end } of linesOf(bytes, tally.place)) {
    const rows: Row[] = [];
    for (const line of lines) {
      if (line.text === '') continue;
      if (tally.columns === null) {
        tally.columns = readHeader(line.text, reader.known, reader.required);
        continue;
      }
      const { columns } = tally;
      tally.rows++;
      const row = attempt(tally.bad, line.no, () => reader.read(line.no, rawOf(line, format, columns)));
      if (row !== undefined) rows.push(row);
    }
    tally.place = end;
    if (rows.length > 0) yield rows;
  }
  if (tally.columns === null) readHeader('', reader.known, reader.required);
}

function attempt<Row>(bad: BadRows, line: number, read: () => Row): Row | undefined {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof RowFault)) throw error;
    bad.add(line, error.field, error.message);
    return undefined;
  }
}

type Raw<Column extends string> = { readonly [Name in Column]?: unknown };

function rawOf<Column extends string>(
  { text }: Line,
  format: Format,
  columns: readonly Column[],
): Raw<Column> {
  if (text === null) throw new RowFault(null, 'line_too_long');
  if (format === 'ndjson') return ndjsonRow(text, columns);
  if (format === 'text') return rawRow(columns, [text]);
  const cells = splitCsvLine(text);
  return rawRow(columns, text.includes("'") ? cells?.map(plainCell) : cells);
}

function rawRow<Column extends string>(
  columns: readonly Column[],
  fields: string[] | undefined,
): Raw<Column> {
  if (fields === undefined) throw new RowFault(null, 'unbalanced_quotes');
  if (fields.length !== columns.length) throw new RowFault(null, 'wrong_number_of_fields');
  const raw: { [Name in Column]?: unknown } = {};
  for (const [i, column] of columns.entries()) raw[column] = fields[i];
  return raw;
}

function ndjsonRow<Column extends string>(text: string, known: readonly Column[]): Raw<Column> {
  const value = parseObject(text);
  const raw: { [Name in Column]?: unknown } = {};
  for (const [name, field] of Object.entries(value)) {
    const column = known.find((candidate) => candidate === snakeCase(name));
    if (column === undefined) throw new RowFault(name.slice(0, 100), 'unknown_field');
    raw[column] = field;
  }
  return raw;
}

/** NDJSON accepts camelCase names, as all JSON of the API has, and the column names of CSV. */
function snakeCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function parseObject(text: string): object {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  } catch {
    throw new RowFault(null, 'invalid_json');
  }
  throw new RowFault(null, 'not_an_object');
}
