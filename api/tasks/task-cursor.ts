import { z } from 'zod';
import { CursorError } from '../../db/core/paging.ts';
import type { Place } from '../../db/tasks/task-list.ts';
import { SORT_KEYS, type TaskSort } from '../../db/tasks/task-sort.ts';
import { isStorable } from '../../domain/plain-text.ts';

const Cursor = z.tuple([z.string(), z.string().max(1000), z.string().max(100)]);

export function encodePlace(sort: TaskSort, { place, id }: { place: string; id: string }): string {
  return Buffer.from(JSON.stringify([sort, place, id])).toString('base64url');
}

/** Throws a CursorError for a cursor of another list or another order. */
export function decodePlaceOf(sort: TaskSort, cursor: string): Place {
  const [of, value, id] = parse(cursor);
  if (of !== sort) throw new CursorError(`belongs to the list sorted by ${of}, not by ${sort}`);
  if (!IS_OF[SORT_KEYS[sort].type](value) || !isStorable([value, id])) throw notOurs();
  return { value, id };
}

function parse(cursor: string): z.infer<typeof Cursor> {
  try {
    return Cursor.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')));
  } catch {
    throw notOurs();
  }
}

const isWhole = (text: string) => /^-?\d{1,15}$/.test(text);
const TIME = /^\d{4,6}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,6})?[+-]\d\d(:\d\d)?$/;

/** A cursor is checked completely, because a value that Postgres cannot read would be answered by 500. */
const IS_OF = {
  text: () => true,
  int: (text: string) => /^-?\d{1,9}$/.test(text),
  bigint: isWhole,
  float8: (text: string) => /^[\d.e+-]{1,30}$/.test(text) && Number.isFinite(Number(text)),
  timestamptz: (text: string) => text === '-infinity' || (TIME.test(text) && !Number.isNaN(timeOf(text))),
} as const;

/** Postgres omits the minutes of an offset when they are zero. */
function timeOf(text: string): number {
  return Date.parse(/[+-]\d\d$/.test(text) ? `${text}:00` : text);
}

function notOurs(): CursorError {
  return new CursorError('is not a cursor of this list');
}
