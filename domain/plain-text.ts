import { z } from 'zod';

/** Postgres can store neither NUL nor half a surrogate pair; this holds for the text in JSON, too. */
export function isStorable(value: unknown): boolean {
  if (typeof value === 'string') return value.isWellFormed() && !value.includes('\0');
  if (typeof value !== 'object' || value === null) return true;
  return Object.entries(value).every(([name, member]) => isStorable(name) && isStorable(member));
}

export function PlainText(max: number) {
  return z.string().min(1).max(max).refine(isStorable, 'must not contain NUL or an unpaired surrogate');
}
