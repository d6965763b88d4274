import { sql, type Transaction } from 'kysely';
import { setBulkSettings } from '../core/planner-settings.ts';
import type { Schema } from '../schema/schema.ts';
import { insertAudience, insertNextVersion } from './audiences.ts';
import { dropMembers, type UploadHold } from './upload-progress.ts';

export interface StoredUpload {
  readonly appId: string;
  readonly audienceId: string;
  /** Makes the audience; without it the upload is the next version of one that exists. */
  readonly name?: string;
  readonly by: string;
  readonly now: Date;
  readonly source: Record<string, unknown>;
}

export interface UploadResult {
  readonly version: number;
  readonly members: number;
  readonly repeated: number;
}

/**
 * Makes a version of an uploaded file. Undefined when the app has no such upload audience, or when another
 * request has taken over the upload. Locks the audience: two uploads at once become two versions, one after
 * the other.
 */
export async function storeUpload(
  trx: Transaction<Schema>,
  { no, run }: UploadHold,
  upload: StoredUpload,
): Promise<UploadResult | undefined> {
  const held = trx.selectFrom('audience_uploads').select('no').where('no', '=', no).where('run', '=', run);
  if ((await held.forUpdate().executeTakeFirst()) === undefined) return undefined;
  const version = await insertVersionOf(trx, upload);
  if (version === undefined) return undefined;
  await setBulkSettings(trx);
  const { audienceId } = upload;
  const { numAffectedRows } = await sql`
    insert into audience_members (audience_id, version, kind, id)
    select distinct ${audienceId}, ${version}::int, kind, id
    from audience_upload_members
    where upload_no = ${no}`.execute(trx);
  const members = Number(numAffectedRows ?? 0);
  const repeated = (await dropMembers(trx, no)) - members;
  await trx
    .updateTable('audience_versions')
    .set({ members, source: JSON.stringify({ ...upload.source, repeated }) })
    .where('audience_id', '=', audienceId)
    .where('version', '=', version)
    .execute();
  return { version, members, repeated };
}

async function insertVersionOf(trx: Transaction<Schema>, { audienceId: id, name, ...upload }: StoredUpload) {
  const audience = { ...upload, id, kind: 'upload' } as const;
  if (name === undefined) return await insertNextVersion(trx, audience);
  await insertAudience(trx, { ...audience, name });
  return 1;
}

/** An upload without a key is deleted: no later request can ask for its answer. */
export async function settleUpload(
  trx: Transaction<Schema>,
  { no }: UploadHold,
  answer: unknown,
): Promise<void> {
  await trx.deleteFrom('audience_uploads').where('no', '=', no).where('key', 'is', null).execute();
  await trx
    .updateTable('audience_uploads')
    .set({ answer: JSON.stringify(answer) })
    .where('no', '=', no)
    .execute();
}
