import { z } from 'zod';

/** Postgres stores no NUL, and JSON in it no half of a surrogate pair. */
export function isStorable(value: unknown): boolean {
  if (typeof value === 'string') return value.isWellFormed() && !value.includes('\0');
  if (typeof value !== 'object' || value === null) return true;
  return Object.entries(value).every(([name, member]) => isStorable(name) && isStorable(member));
}

export function PlainText(max: number) {
  return z.string().min(1).max(max).refine(isStorable, 'must be text without NUL');
}
