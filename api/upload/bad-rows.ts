import { z } from 'zod';

/** The number of errors that are listed, enough to see what is wrong with a file. All bad rows are counted. */
export const SHOWN_ERRORS = 1_000;

export const RowError = z
  .object({ line: z.number(), field: z.string().nullable(), reason: z.string() })
  .meta({ id: 'RowError' });
export type RowError = z.infer<typeof RowError>;

export class BadRows {
  count: number;
  readonly #first: RowError[];

  constructor(count = 0, first: readonly RowError[] = []) {
    this.count = count;
    this.#first = [...first];
  }

  /** Must be called in the order of the lines. */
  add(line: number, field: string | null, reason: string): void {
    this.count++;
    if (this.#first.length < SHOWN_ERRORS) this.#first.push({ line, field, reason });
  }

  /** Adds `count` rows whose fault shows only at the end of the file. `lines` are the first of them. */
  addLater(lines: readonly number[], count: number, field: string, reason: string): void {
    this.count += count;
    this.#first.push(...lines.map((line) => ({ line, field, reason })));
  }

  first(): RowError[] {
    return this.#first.toSorted((a, b) => a.line - b.line).slice(0, SHOWN_ERRORS);
  }
}
