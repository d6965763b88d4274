import { CursorError, type Paged } from '../db/paging.ts';

const PLACE = /^\d{1,15}$/;

/** Where a list in the order of one number goes on. Throws a CursorError when it is not one of ours. */
export function decodePlace(cursor: string | undefined): number | undefined {
  if (cursor === undefined) return undefined;
  const text = Buffer.from(cursor, 'base64url').toString('latin1');
  if (!PLACE.test(text)) throw new CursorError('is not a cursor of this list');
  return Number(text);
}

/** `rows` were asked for with one more than the limit, which tells whether there is a next page. */
export function toNumberedPage<Row>(rows: Row[], limit: number, placeOf: (row: Row) => number): Paged<Row> {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  const hasMore = rows.length > limit && last !== undefined;
  return { items, nextCursor: hasMore ? Buffer.from(String(placeOf(last))).toString('base64url') : null };
}
