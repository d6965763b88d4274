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

/** The last line of a file that does not hold all of its rows. */
export const CUT = '#incomplete';

/** For a route's `response`: the file, which is written while it is read. */
export const CSV_RESPONSE = {
  description: `A CSV file. One whose last line begins with ${CUT} was cut off, and its connection closed early.`,
  content: { 'text/csv': { schema: z.string() } },
};

/**
 * Writes rows as they come, a page at a time as fast as the reader takes them. If reading fails midway the file says so in
 * its last line, and the connection breaks, so that nobody takes a part for the whole.
 */
export function sendCsv(
  reply: FastifyReply,
  { name, columns, pages }: { name: string; columns: readonly string[]; pages: AsyncIterable<Cell[][]> },
): FastifyReply {
  return reply
    .type('text/csv; charset=utf-8; header=present')
    .header('content-disposition', `attachment; filename="${name}.csv"`)
    .send(Readable.from(linesOf(columns, pages), { objectMode: false }));
}

async function* linesOf(columns: readonly string[], pages: AsyncIterable<Cell[][]>): AsyncGenerator<string> {
  yield csvLine(columns);
  try {
    for await (const rows of pages) if (rows.length > 0) yield rows.map(csvLine).join('');
  } catch (error) {
    yield csvLine([CUT, 'the rest could not be read; export again']);
    await turn();
    throw error;
  }
}
