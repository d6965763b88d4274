import { z } from 'zod';
import { csvCell } from '../csv/csv-cell.ts';
import type { Fault } from '../http/problem.ts';
import { ROW_REASONS, type RowReason, VALUE_REASONS, type ValueReason } from './reasons.ts';

/** The number of faults that an answer lists, enough to see what is wrong with a file. All are counted. */
export const SHOWN_ERRORS = 1_000;
/** The number of faults of a downloaded report. */
const REPORTED = 50_000;
/** Lines of the report are kept as bytes in parts of this size, because texts of many parts take much memory. */
const PART = 65_536;

export const RowError = z
  .object({ line: z.number(), field: z.string().nullable(), reason: z.string() })
  .meta({ id: 'RowError' });
export type RowError = z.infer<typeof RowError>;

export const RowCounts = z
  .object({
    badRows: z.number(),
    /** Faults of bad rows by reason. A row can have several. */
    reasons: z.record(z.string(), z.number()),
    /** The first 1,000 faults of bad rows, in the order of the lines. */
    errors: z.array(RowError),
    /** Optional values that were left out of rows that count, by reason. */
    leftOut: z.record(z.string(), z.number()),
    /** The first 1,000 values that were left out. */
    warnings: z.array(RowError),
    /** Columns and fields of the file that were not used. */
    ignoredColumns: z.array(z.string()),
  })
  .meta({ id: 'RowCounts' });
export type RowCounts = z.infer<typeof RowCounts>;

/** What one row says is wrong with itself. */
export class RowNotes {
  readonly faults: { readonly field: string | null; readonly reason: RowReason }[] = [];
  readonly leftOut: { readonly field: string; readonly reason: ValueReason }[] = [];

  refuse(field: string | null, reason: RowReason): undefined {
    this.faults.push({ field, reason });
    return undefined;
  }

  leaveOut(field: string, reason: ValueReason): undefined {
    this.leftOut.push({ field, reason });
    return undefined;
  }
}

const IGNORED = 100;
type Counts = Record<string, number>;

/** What is wrong with the rows of a file. Lines must be added in their order. */
export class RowReport {
  badRows = 0;
  readonly #reasons: Counts = {};
  readonly #errors: RowError[] = [];
  readonly #leftOut: Counts = {};
  readonly #warnings: RowError[] = [];
  readonly #ignored = new Set<string>();
  readonly #parts: Buffer[] = [];
  #part = '';
  #lines = 0;

  /** Continues the report of an interrupted upload. */
  static from(counts: { readonly [Key in keyof RowCounts]?: RowCounts[Key] | undefined }): RowReport {
    const report = new RowReport();
    report.badRows = counts.badRows ?? 0;
    Object.assign(report.#reasons, counts.reasons);
    Object.assign(report.#leftOut, counts.leftOut);
    report.#errors.push(...(counts.errors ?? []));
    report.#warnings.push(...(counts.warnings ?? []));
    report.ignore(counts.ignoredColumns ?? []);
    for (const error of report.#errors) report.#write(error, 'refused', ROW_REASONS);
    for (const warning of report.#warnings) report.#write(warning, 'left out', VALUE_REASONS);
    return report;
  }

  add(line: number, { faults, leftOut }: RowNotes): void {
    if (faults.length === 0 && leftOut.length === 0) return;
    if (faults.length > 0) this.badRows++;
    for (const { field, reason } of faults) {
      this.#count({ line, field, reason }, this.#reasons, this.#errors);
      this.#write({ line, field, reason }, 'refused', ROW_REASONS);
    }
    for (const { field, reason } of leftOut) {
      // A value of a bad row is one more fault of that row.
      if (faults.length > 0) this.#count({ line, field, reason }, this.#reasons, this.#errors);
      else this.#count({ line, field, reason }, this.#leftOut, this.#warnings);
      this.#write({ line, field, reason }, faults.length > 0 ? 'refused' : 'left out', VALUE_REASONS);
    }
  }

  ignore(names: Iterable<string>): void {
    for (const name of names) if (this.#ignored.size < IGNORED) this.#ignored.add(name.slice(0, 100));
  }

  counts(): RowCounts {
    return {
      badRows: this.badRows,
      reasons: { ...this.#reasons },
      errors: [...this.#errors],
      leftOut: { ...this.#leftOut },
      warnings: [...this.#warnings],
      ignoredColumns: [...this.#ignored],
    };
  }

  /** The first faults for an answer that refuses the whole file. */
  problems(count = 100): Fault[] {
    return this.#errors.slice(0, count).map(({ line, field, reason }) => ({
      line,
      detail: `${field ?? 'the row'} ${wordsOf(ROW_REASONS, reason) ?? wordsOf(VALUE_REASONS, reason) ?? reason}`,
    }));
  }

  /** The report as CSV, or null when nothing is wrong. */
  csv(): string | null {
    if (this.#lines === 0) return null;
    const head = Buffer.from('line,field,reason,effect,meaning\r\n');
    return Buffer.concat([head, ...this.#parts, Buffer.from(this.#part)]).toString();
  }

  #count(error: RowError, counts: Counts, list: RowError[]): void {
    counts[error.reason] = (counts[error.reason] ?? 0) + 1;
    if (list.length < SHOWN_ERRORS) list.push(error);
  }

  #write({ line, field, reason }: RowError, effect: string, words: Readonly<Record<string, string>>): void {
    if (this.#lines >= REPORTED) return;
    this.#lines++;
    const meaning = csvCell(wordsOf(words, reason) ?? '');
    this.#part += `${line},${csvCell(field ?? '')},${reason},${effect},${meaning}\r\n`;
    if (this.#part.length < PART) return;
    this.#parts.push(Buffer.from(this.#part));
    this.#part = '';
  }
}

function wordsOf(words: Readonly<Record<string, string>>, reason: string): string | undefined {
  return Object.hasOwn(words, reason) ? words[reason] : undefined;
}
