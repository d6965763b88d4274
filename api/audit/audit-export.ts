import { type AuditFilter, type AuditLine, listAudit } from '../../db/audit/audit.ts';
import type { Db } from '../../db/core/database.ts';
import type { Cell } from '../csv/csv-export.ts';

const PAGE = 1_000;

/** Reads page by page, so that memory stays flat and a slow reader holds no snapshot. */
export async function* exportAudit(db: Db, filter: AuditFilter): AsyncGenerator<AuditLine[]> {
  let before: number | undefined;
  for (;;) {
    const lines = await listAudit(db, filter, { before, limit: PAGE });
    if (lines.length > 0) yield lines;
    before = lines.at(-1)?.no;
    if (lines.length < PAGE) return;
  }
}

const FIELDS = [
  ...(['no', 'at', 'taskId', 'personId', 'personName', 'verb', 'via', 'revision', 'outcome'] as const),
  ...(['detail', 'remark', 'ip', 'userAgent', 'keyId'] as const),
] as const satisfies readonly (keyof AuditLine)[];

export const AUDIT_COLUMNS: readonly string[] = FIELDS.map((name) =>
  name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
);

export async function* auditCells(pages: AsyncIterable<AuditLine[]>): AsyncGenerator<Cell[][]> {
  for await (const lines of pages) yield lines.map((line) => FIELDS.map((name) => line[name]));
}

export async function* ndjsonOf(pages: AsyncIterable<AuditLine[]>): AsyncGenerator<string> {
  for await (const lines of pages) yield lines.map((line) => `${JSON.stringify(line)}\n`).join('');
}
