import { z } from 'zod';

/** `Date` in code, ISO text on the wire. */
export const IsoDate = z.codec(z.iso.datetime({ offset: true }), z.date(), {
  decode: (text) => new Date(text),
  encode: (date) => date.toISOString() as `${string}Z`,
});

/** Text that people read, without control characters. Postgres cannot store NUL. */
export function Label(max: number) {
  return z
    .string()
    .trim()
    .min(1)
    .max(max)
    .regex(/^[^\p{Cc}\p{Cs}]*$/u, 'must not contain control characters');
}

/** Accepts any text, so that a malformed ID gets 404 like an ID that does not exist. */
export const IdParams = z.object({ id: z.string().max(100) });

export const PageQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(200).default(50),
  cursor: z.string().min(1).max(500).optional(),
});

/** A page of a list; `nextCursor` is null on the last one. */
export function Page<Item extends z.ZodType>(item: Item) {
  return z.object({ items: z.array(item), nextCursor: z.string().nullable() });
}
