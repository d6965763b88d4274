import { closeSync, openSync, writeSync } from 'node:fs';

/** A row that the API has to refuse, with the expected field and reason. */
export interface BadRow {
  readonly field: string | null;
  readonly reason: string;
}

export interface RowError extends BadRow {
  readonly line: number;
}

export interface CsvFile {
  readonly path: string;
  /** Lines below the header. */
  readonly rows: number;
  /** The expected errors, in the order of their lines. */
  readonly errors: readonly RowError[];
}

const FLUSH_CHARACTERS = 1 << 16;

/** Writes a file row by row, however long, and remembers which of its lines are bad. */
export class CsvWriter {
  readonly #path: string;
  readonly #file: number;
  readonly #errors: RowError[] = [];
  #text: string;
  #rows = 0;

  constructor(path: string, columns: readonly string[]) {
    this.#path = path;
    this.#file = openSync(path, 'w');
    this.#text = `${columns.join(',')}\n`;
  }

  add(line: string, bad?: BadRow): void {
    this.#rows++;
    this.#text += `${line}\n`;
    if (bad !== undefined) this.#errors.push({ line: this.#rows + 1, ...bad });
    if (this.#text.length > FLUSH_CHARACTERS) this.#flush();
  }

  close(): CsvFile {
    this.#flush();
    closeSync(this.#file);
    return { path: this.#path, rows: this.#rows, errors: this.#errors };
  }

  #flush(): void {
    writeSync(this.#file, this.#text);
    this.#text = '';
  }
}

export function csvLine(fields: readonly (string | null)[]): string {
  return fields.map((field) => quoted(field ?? '')).join(',');
}

function quoted(field: string): string {
  return /[",]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
}
