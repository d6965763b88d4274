import { sql, type Transaction } from 'kysely';
import { setBulkSettings } from '../core/planner-settings.ts';
import type { Schema } from '../schema/schema.ts';
import { insertAudience, insertNextVersion } from './audiences.ts';
import { dropMembers, type UploadHold } from './upload-progress.ts';

export interface StoredUpload {
  readonly appId: string;
  readonly audienceId: string;
  /** Name of a new audience. Without a name the upload becomes the next version of an existing audience. */
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
 * Makes an audience version from an uploaded file. Undefined when the app has no such upload audience, or
 * when another request has taken over the upload. The audience is locked, so that two simultaneous uploads
 * become two successive versions.
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

/** Stores the answer. An upload without a key is deleted, because no later request can ask for its answer. */
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
