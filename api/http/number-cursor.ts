import { CursorError, type Paged } from '../../db/core/paging.ts';

const PLACE = /^\d{1,15}$/;

/** The position at which a list in numeric order continues. Throws a CursorError for a foreign cursor. */
export function decodePlace(cursor: string | undefined): number | undefined {
  if (cursor === undefined) return undefined;
  const text = Buffer.from(cursor, 'base64url').toString('latin1');
  if (!PLACE.test(text)) throw new CursorError('is not a cursor of this list');
  return Number(text);
}

/** `rows` holds up to one row more than the limit, which shows whether there is a next page. */
export function toNumberedPage<Row>(rows: Row[], limit: number, placeOf: (row: Row) => number): Paged<Row> {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  const hasMore = rows.length > limit && last !== undefined;
  return { items, nextCursor: hasMore ? Buffer.from(String(placeOf(last))).toString('base64url') : null };
}
