import { type InferResult, sql } from 'kysely';
import type { Pool } from 'pg';
import { copyInto, copyText, withCopyClient } from '../core/copy.ts';
import type { Db } from '../core/database.ts';

export interface AudienceMember {
  readonly kind: 'device' | 'user';
  readonly id: string;
}

/** The part of a file that was read. */
export interface UploadProgress {
  /** Bytes read, up to the end of a row. */
  readonly bytes: number;
  readonly lines: number;
  /** How rows are read; null until the header of a CSV file was. */
  readonly layout: unknown;
  readonly rows: number;
  readonly badRows: number;
  /** What was wrong with the rows so far. */
  readonly report: unknown;
}

/** The right to add to an upload, which only the request with the newest run has. */
export interface UploadHold {
  readonly no: number;
  readonly run: number;
}

/** Identifies an upload. An upload without a key cannot be resumed by another request. */
export interface UploadKey {
  readonly appId: string;
  readonly key: string | null;
}

interface Beginning extends UploadKey {
  /** URL and content type of the request. */
  readonly target: string;
  /** Bytes at the start of the file that the request leaves out. */
  readonly offset: number;
  readonly now: Date;
}

export type Begun =
  | { readonly state: 'open'; readonly hold: UploadHold; readonly from: UploadProgress }
  | { readonly state: 'done'; readonly answer: unknown }
  /** The request's offset is wrong. The upload can be resumed at `bytes` only. */
  | { readonly state: 'elsewhere'; readonly bytes: number };

/** Time for which an interrupted upload can be resumed. */
const KEPT_MS = 24 * 3_600_000;
const NOTHING: UploadProgress = { bytes: 0, lines: 0, layout: null, rows: 0, badRows: 0, report: {} };

/** Begins or resumes an upload. Offset 0 restarts it and deletes the members stored under this key. */
export async function beginUpload(db: Db, { appId, key, target, offset, now }: Beginning): Promise<Begun> {
  return await db.transaction().execute(async (trx) => {
    const known = key === null ? undefined : await uploadOf(trx, appId, key).forUpdate().executeTakeFirst();
    const same = known?.target === target ? known : undefined;
    if (same !== undefined && same.answer !== null) return { state: 'done', answer: same.answer };
    const from = same === undefined || offset === 0 ? NOTHING : progressOf(same);
    if (offset !== from.bytes) return { state: 'elsewhere', bytes: from.bytes };
    if (offset === 0 && known !== undefined) await dropMembers(trx, known.no);
    const upload = { run: (known?.run ?? 0) + 1, target, ...columnsOf(from), answer: null, updated_at: now };
    const { no, run } = await trx
      .insertInto('audience_uploads')
      .values({ app_id: appId, key, ...upload })
      .onConflict((conflict) => conflict.columns(['app_id', 'key']).doUpdateSet(upload))
      .returning(['no', 'run'])
      .executeTakeFirstOrThrow();
    return { state: 'open', hold: { no, run }, from };
  });
}

function uploadOf(db: Db, appId: string, key: string) {
  return db.selectFrom('audience_uploads').selectAll().where('app_id', '=', appId).where('key', '=', key);
}

type Row = InferResult<ReturnType<typeof uploadOf>>[number];

function progressOf({ bytes, lines, layout, rows, bad_rows: badRows, report }: Row): UploadProgress {
  return { bytes, lines, layout, rows, badRows, report };
}

function columnsOf({ bytes, lines, layout, rows, badRows, report }: UploadProgress) {
  return {
    bytes,
    lines,
    rows,
    bad_rows: badRows,
    report: JSON.stringify(report),
    layout: layout === null ? null : JSON.stringify(layout),
  };
}

export async function findUpload(
  db: Db,
  { appId, key }: { appId: string; key: string },
): Promise<(UploadProgress & { isDone: boolean; updatedAt: Date }) | undefined> {
  const row = await uploadOf(db, appId, key).executeTakeFirst();
  return row && { ...progressOf(row), isDone: row.answer !== null, updatedAt: row.updated_at };
}

/** Stores members and the progress together. False when another request has taken over the upload. */
export async function keepMembers(
  pool: Pool,
  { no, run }: UploadHold,
  members: readonly AudienceMember[],
  progress: UploadProgress,
  now: Date,
): Promise<boolean> {
  const { bytes, lines, layout, rows, badRows, report } = progress;
  return withCopyClient(pool, async (client) => {
    const held = await client.query(
      `update audience_uploads set
         bytes = $3,
         lines = $4,
         layout = $5,
         rows = $6,
         bad_rows = $7,
         report = $8,
         updated_at = $9
       where no = $1 and run = $2`,
      [
        no,
        run,
        bytes,
        lines,
        layout === null ? null : JSON.stringify(layout),
        rows,
        badRows,
        JSON.stringify(report),
        now,
      ],
    );
    if (held.rowCount === 0) return false;
    await copyInto(client, 'audience_upload_members', encoded(no, members));
    return true;
  });
}

async function* encoded(no: number, members: readonly AudienceMember[]): AsyncGenerator<string> {
  yield members.map(({ kind, id }) => `${no}\t${kind === 'device' ? 0 : 1}\t${copyText(id)}\n`).join('');
}

export async function dropUpload(db: Db, { no, run }: UploadHold): Promise<void> {
  await db.transaction().execute(async (trx) => {
    const { numDeletedRows } = await trx
      .deleteFrom('audience_uploads')
      .where('no', '=', no)
      .where('run', '=', run)
      .executeTakeFirst();
    if (numDeletedRows > 0n) await dropMembers(trx, no);
  });
}

export async function dropOldUploads(db: Db, now: Date): Promise<void> {
  await sql`
    with gone as (
      delete from audience_uploads
      where updated_at < ${new Date(now.getTime() - KEPT_MS)}::timestamptz
      returning no
    )
    delete from audience_upload_members member
    using gone
    where member.upload_no = gone.no`.execute(db);
}

/** Deletes the members stored so far, and answers their number. */
export async function dropMembers(db: Db, uploadNo: number): Promise<number> {
  const { numDeletedRows } = await db
    .deleteFrom('audience_upload_members')
    .where('upload_no', '=', uploadNo)
    .executeTakeFirst();
  return Number(numDeletedRows);
}
