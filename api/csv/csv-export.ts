import { Readable } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { csvCell } from './csv-cell.ts';

export type Cell = string | number | boolean | Date | null;

export function csvLine(cells: readonly Cell[]): string {
  return `${cells.map(cellText).join(',')}\r\n`;
}

function cellText(cell: Cell): string {
  if (cell === null) return '';
  if (cell instanceof Date) return cell.toISOString();
  return typeof cell === 'string' ? csvCell(cell) : String(cell);
}

/** The first cell of the last line of an incomplete file. */
export const CUT = '#incomplete';

/** `bom=true` makes Excel read a CSV file as UTF-8, and not in the encoding of the machine. */
export const BomQuery = { bom: z.stringbool().default(false) };
export const BOM = '\ufeff';

/** The documented response of a route that streams a CSV file. */
export const CSV_RESPONSE = {
  description: `A CSV file. If its last line begins with ${CUT}, the file is incomplete, and the connection closed early.`,
  content: { 'text/csv': { schema: z.string() } },
};

interface CsvFile {
  readonly name: string;
  readonly columns: readonly string[];
  readonly pages: AsyncIterable<Cell[][]>;
  readonly bom: boolean;
}

/**
 * Streams rows page by page, with the back-pressure of the reader. When reading the rows fails midway, the last line
 * of the file says so and the connection breaks, so that nobody mistakes an incomplete file for a complete one.
 */
export function sendCsv(reply: FastifyReply, { name, columns, pages, bom }: CsvFile): FastifyReply {
  return reply
    .type('text/csv; charset=utf-8; header=present')
    .header('content-disposition', `attachment; filename="${name}.csv"`)
    .send(Readable.from(linesOf(bom ? BOM : '', columns, pages), { objectMode: false }));
}

async function* linesOf(
  mark: string,
  columns: readonly string[],
  pages: AsyncIterable<Cell[][]>,
): AsyncGenerator<string> {
  yield mark + csvLine(columns);
  try {
    for await (const rows of pages) if (rows.length > 0) yield rows.map(csvLine).join('');
  } catch (error) {
    yield csvLine([CUT, 'the remaining rows could not be read; export again']);
    await turn();
    throw error;
  }
}
