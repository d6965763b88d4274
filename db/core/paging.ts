import { type Expression, type SqlBool, sql } from 'kysely';

/** The last row of a page. The next page starts after it, newest first. */
export interface Cursor {
  readonly createdAt: Date;
  readonly id: string;
}

export interface PageRequest {
  readonly limit: number;
  readonly cursor?: string | undefined;
}

export interface Paged<Item> {
  readonly items: Item[];
  readonly nextCursor: string | null;
}

export class CursorError extends Error {
  override name = 'CursorError';
}

export function encodeCursor({ createdAt, id }: Cursor): string {
  return Buffer.from(`${createdAt.getTime()} ${id}`).toString('base64url');
}

const CURSOR = /^(\d{1,15}) ([\x21-\x7e]{1,100})$/;

/** Throws a CursorError for text that `encodeCursor` did not write. */
export function decodeCursor(cursor: string): Cursor {
  const [, time, id] = CURSOR.exec(Buffer.from(cursor, 'base64url').toString('latin1')) ?? [];
  if (time !== undefined && id !== undefined) {
    const decoded = { createdAt: new Date(Number(time)), id };
    if (encodeCursor(decoded) === cursor) return decoded;
  }
  throw new CursorError('is not a cursor of this list');
}

/**
 * Selects the rows after the cursor by a row-value comparison, because OR would not use the index. Without a
 * cursor the list starts at its head.
 */
export function afterCursor(
  createdAt: Expression<Date>,
  id: Expression<string>,
  cursor: string | undefined,
): Expression<SqlBool> {
  if (cursor === undefined) return sql<SqlBool>`true`;
  const after = decodeCursor(cursor);
  return sql<SqlBool>`(${createdAt}, ${id}) < (${after.createdAt}, ${after.id})`;
}

/** Cuts a page. The query for `rows` asks for one more than the limit, which reveals a next page. */
export function toPage<Row extends Cursor>(rows: Row[], limit: number): Paged<Row> {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  return { items, nextCursor: rows.length > limit && last !== undefined ? encodeCursor(last) : null };
}
