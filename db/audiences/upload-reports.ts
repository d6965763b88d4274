import type { Db } from '../core/database.ts';

interface UploadReport {
  readonly id: string;
  readonly appId: string;
  readonly csv: string;
  readonly now: Date;
}

/** A report names lines, fields and reasons, and no value of the file. */
export async function insertUploadReport(db: Db, { id, appId, csv, now }: UploadReport): Promise<void> {
  await db.insertInto('upload_reports').values({ id, app_id: appId, csv, created_at: now }).execute();
}

export async function findUploadReport(db: Db, appId: string, id: string): Promise<string | undefined> {
  const row = await db
    .selectFrom('upload_reports')
    .select('csv')
    .where('app_id', '=', appId)
    .where('id', '=', id)
    .executeTakeFirst();
  return row?.csv;
}

const KEPT_MS = 7 * 24 * 3_600_000;

export async function dropOldReports(db: Db, now: Date): Promise<void> {
  await db
    .deleteFrom('upload_reports')
    .where('created_at', '<', new Date(now.getTime() - KEPT_MS))
    .execute();
}
