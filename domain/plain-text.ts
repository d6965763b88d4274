import { z } from 'zod';
import { namePattern } from './visible-text.ts';

/** Postgres can store neither NUL nor half a surrogate pair; this holds for the text in JSON, too. */
export function isStorable(value: unknown): boolean {
  if (typeof value === 'string') return value.isWellFormed() && !value.includes('\0');
  if (typeof value !== 'object' || value === null) return true;
  return Object.entries(value).every(([name, member]) => isStorable(name) && isStorable(member));
}

export function PlainText(max: number) {
  return z.string().min(1).max(max).refine(isStorable, 'must not contain NUL or an unpaired surrogate');
}

/** The name of an attribute or a property, which is compared character by character. */
export function KeyName(max: number) {
  return z
    .string()
    .regex(
      namePattern(max),
      `must be 1 to ${max} characters without invisible characters and without a space at either end`,
    );
}
