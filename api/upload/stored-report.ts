import { randomBytes } from 'node:crypto';
import { insertUploadReport } from '../../db/audiences/upload-reports.ts';
import type { Db } from '../../db/core/database.ts';
import { newId } from '../../domain/ids.ts';
import { Problem } from '../http/problem.ts';
import type { RowReport } from './row-report.ts';

interface Stored {
  readonly appId: string;
  readonly report: RowReport;
  readonly now: Date;
}

/** Stores the report for a week. The address of it, or null when nothing is wrong. */
export async function storeReport(db: Db, { appId, report, now }: Stored): Promise<string | null> {
  const csv = report.csv();
  if (csv === null) return null;
  const id = newId('report', randomBytes);
  await insertUploadReport(db, { id, appId, csv, now });
  return `/v1/upload-reports/${id}`;
}

/** The error for a file that would change nothing, or empty an audience. */
export function noGoodRow(report: RowReport, consequence: string): Problem {
  const errors = report.problems();
  const none = { line: 1, detail: 'the file has no rows' };
  return new Problem('invalid_request', `The file has no row that can be used; ${consequence}`, {
    errors: errors.length === 0 ? [none] : errors,
  });
}
