import { parseExactJson } from '../../domain/exact-json.ts';
import { plainCell } from '../csv/csv-cell.ts';
import { columnOf, delimiterOfSepLine, isUnset, type Layout, type Naming, readHeader } from './columns.ts';
import { splitCsvLine } from './csv-line.ts';
import { type OpenFile, unreadable } from './file-opening.ts';
import { type Line, linesOf, type Place } from './lines.ts';
import { RowNotes, RowReport } from './row-report.ts';

/** In `text` each line is a value of the first known column. `any` is CSV or NDJSON, which the first bytes tell. */
export type Format = 'csv' | 'ndjson' | 'text' | 'any';

export type Raw<Column extends string> = { readonly [Name in Column]?: unknown } & {
  readonly extra?: Readonly<Record<string, unknown>>;
};

export interface RowReader<Column extends string, Row> extends Naming<Column> {
  /** The rows that a line of another product's export stands for. Without it a line is a row. */
  expand?(raw: Raw<Column>, notes: RowNotes): readonly Raw<string>[];
  /** The row, or undefined when the notes have a fault. */
  read(line: number, raw: Raw<string>, notes: RowNotes): Row | undefined;
}

/** The progress of reading a file, which is updated while rows are read. */
export interface Tally<Column extends string> {
  rows: number;
  readonly report: RowReport;
  /** The end of the last row that was read. */
  place: Place;
  /** Null until the header of a CSV file is read. */
  layout: Layout<Column> | null;
}

export function newTally<Column extends string>(): Tally<Column> {
  return { rows: 0, report: new RowReport(), place: { lines: 0, bytes: 0 }, layout: null };
}

/**
 * Yields rows in batches, one for each chunk of the file. Bad rows go to the tally and do not stop the reading.
 * The bytes begin at the place of the tally.
 */
export async function* readRows<Column extends string, Row>(
  file: OpenFile,
  format: Format,
  reader: RowReader<Column, Row>,
  tally: Tally<Column>,
): AsyncGenerator<Row[]> {
  const kind = tally.layout === null ? kindOf(file.head, format) : kindOfLayout(tally.layout);
  if (kind !== 'csv') tally.layout ??= { ...NO_LAYOUT, delimiter: kind, columns: reader.known };
  let delimiter: string | undefined;
  for await (const { lines, end } of linesOf(file, tally.place)) {
    const rows: Row[] = [];
    for (const line of lines) {
      if (line.text !== null && isBlank(line.text, kind, reader, tally.rows)) continue;
      if (tally.layout === null) {
        const given = delimiterOfSepLine(line.text ?? '');
        if (given !== undefined) delimiter = given;
        else tally.layout = headerOf(line, reader, tally.report, delimiter);
      } else {
        readLine(line, kind, reader, tally, tally.layout, rows);
      }
    }
    tally.place = end;
    if (rows.length > 0) yield rows;
  }
  if (tally.layout === null) throw unreadable('is empty; send a header and rows');
}

const NO_CELLS = /^(?:[\s,;]|"")*$/;

/** Spreadsheets write rows of empty cells, and a list of IDs may begin with the name of its column. */
function isBlank(
  text: string,
  kind: Exclude<Format, 'any'>,
  naming: Naming<string>,
  rowsBefore: number,
): boolean {
  if (text === '') return true;
  if (kind === 'text') return text.trim() === '' || (rowsBefore === 0 && columnOf(text, naming) !== null);
  return kind === 'csv' ? NO_CELLS.test(text) : text.trim() === '';
}

const NO_LAYOUT = { attributes: [], ignored: [] } as const;

/** An upload that is resumed goes on as it began. */
function kindOfLayout({ delimiter }: Layout<string>): Exclude<Format, 'any'> {
  return delimiter === 'ndjson' || delimiter === 'text' ? delimiter : 'csv';
}

const HTML = /^\s*<(?:!doctype|html|head|body|table|\?xml)/i;
const JSON_LIST = /^\s*\[\s*(?:[[{"\]]|-?\d|$)/;
const JSON_OBJECT = /^\s*\{\s*(?:"|\})/;

/** Throws a Problem for a file that is something else than the content type says. */
function kindOf(head: string, format: Format): Exclude<Format, 'any'> {
  if (HTML.test(head)) throw unreadable('is an HTML or XML page; send the file itself as CSV');
  if (JSON_LIST.test(head)) {
    throw unreadable('is one JSON list; send one JSON object per line, as application/x-ndjson');
  }
  const isJson = JSON_OBJECT.test(head);
  if (format === 'any') return isJson ? 'ndjson' : 'csv';
  if (isJson && format !== 'ndjson') {
    throw unreadable('is JSON; send it with the content type application/x-ndjson, one object per line');
  }
  return format;
}

function headerOf<Column extends string>(
  { text }: Line,
  naming: Naming<Column>,
  report: RowReport,
  delimiter: string | undefined,
): Layout<Column> {
  const layout = readHeader(text, naming, delimiter);
  report.ignore(layout.ignored);
  return layout;
}

function readLine<Column extends string, Row>(
  line: Line,
  kind: Exclude<Format, 'any'>,
  reader: RowReader<Column, Row>,
  tally: Tally<Column>,
  layout: Layout<Column>,
  rows: Row[],
): void {
  const notes = new RowNotes();
  const raw = rawOf(line, kind, layout, reader, notes, tally.report);
  const raws = raw === undefined ? [] : (reader.expand?.(raw, notes) ?? [raw]);
  const isBad = notes.faults.length > 0;
  tally.rows += isBad ? 1 : raws.length;
  for (const one of isBad ? [] : raws) {
    const own = raws.length === 1 ? notes : new RowNotes();
    const row = reader.read(line.no, one, own);
    if (row !== undefined) rows.push(row);
    if (own !== notes) tally.report.add(line.no, own);
  }
  tally.report.add(line.no, notes);
}

function rawOf<Column extends string>(
  { text }: Line,
  kind: Exclude<Format, 'any'>,
  layout: Layout<Column>,
  naming: Naming<Column>,
  notes: RowNotes,
  report: RowReport,
): Raw<Column> | undefined {
  if (text === null) return notes.refuse(null, 'line_too_long');
  if (kind === 'ndjson') return ndjsonRow(text, naming, notes, report);
  if (kind === 'text') return { [layout.columns[0] ?? '']: text } as Raw<Column>;
  const cells = splitCsvLine(text, layout.delimiter);
  if (cells === undefined) return notes.refuse(null, 'unbalanced_quotes');
  return csvRow(layout, text.includes("'") ? cells.map(plainCell) : cells, notes);
}

/** Further cells are ignored as long as they are empty, because spreadsheets add such columns. */
function csvRow<Column extends string>(
  { columns, attributes }: Layout<Column>,
  cells: readonly string[],
  notes: RowNotes,
): Raw<Column> | undefined {
  const isLong =
    cells.length > columns.length && cells.slice(columns.length).some((cell) => cell.trim() !== '');
  if (cells.length < columns.length || isLong) return notes.refuse(null, 'wrong_number_of_fields');
  const raw: Record<string, unknown> = {};
  const extra: Record<string, unknown> = Object.create(null);
  for (let i = 0; i < columns.length; i++) {
    const column = columns[i];
    const attribute = attributes[i];
    if (column !== null && column !== undefined) raw[column] = cells[i];
    else if (attribute !== null && attribute !== undefined) extra[attribute] = cells[i];
  }
  return withExtra(raw, extra);
}

function ndjsonRow<Column extends string>(
  text: string,
  naming: Naming<Column>,
  notes: RowNotes,
  report: RowReport,
): Raw<Column> | undefined {
  const value = parseObject(text, notes);
  if (value === undefined) return undefined;
  const raw: Record<string, unknown> = {};
  const extra: Record<string, unknown> = Object.create(null);
  for (const [name, field] of Object.entries(value)) {
    const column = columnOf(name, naming);
    if (column !== null) {
      // Two names of one column may agree, or one of them is empty.
      if (isNothing(raw[column])) raw[column] = field;
      else if (!isNothing(field) && raw[column] !== field) notes.refuse(column, 'named_twice');
    } else if (isUnset(name, naming) || naming.unknownColumns === 'ignore') report.ignore([name]);
    else if (naming.unknownColumns === 'attributes') extra[name] = field;
    else notes.refuse(name.slice(0, 100), 'unknown_field');
  }
  return withExtra(raw, extra);
}

function isNothing(value: unknown): boolean {
  return value === undefined || value === null || value === '';
}

function parseObject(text: string, notes: RowNotes): object | undefined {
  try {
    const value = parseExactJson(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  } catch {
    return notes.refuse(null, 'invalid_json');
  }
  return notes.refuse(null, 'not_an_object');
}

function withExtra<Column extends string>(
  raw: Record<string, unknown>,
  extra: Readonly<Record<string, unknown>>,
): Raw<Column> {
  for (const _ in extra) return { ...raw, extra } as Raw<Column>;
  return raw as Raw<Column>;
}
