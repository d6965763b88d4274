import type { Pool, PoolClient } from 'pg';
import { copyInto, copyText, withCopyClient } from './copy.ts';

export interface AudienceMember {
  readonly kind: 'device' | 'user';
  readonly id: string;
}

export interface AudienceUpload {
  readonly appId: string;
  readonly audienceId: string;
  /** Makes the audience; without it the upload is the next version of one that exists. */
  readonly name?: string;
  readonly by: string;
  readonly now: Date;
  readonly members: AsyncIterable<readonly AudienceMember[]>;
  /** Read when all members have been. */
  readonly source: () => Record<string, unknown>;
}

export interface UploadResult {
  readonly version: number;
  readonly members: number;
  readonly repeated: number;
}

/** All or nothing; undefined when the app has no such upload audience. */
export async function uploadAudience(pool: Pool, upload: AudienceUpload): Promise<UploadResult | undefined> {
  return withCopyClient(pool, async (client) => {
    await client.query('create temp table staged (kind smallint not null, id text not null) on commit drop');
    const rows = await copyInto(client, 'staged', encoded(upload.members));
    const version = await nextVersion(client, upload);
    return version === undefined ? undefined : storeVersion(client, upload, version, rows);
  });
}

async function* encoded(batches: AsyncIterable<readonly AudienceMember[]>): AsyncGenerator<string> {
  for await (const members of batches) {
    yield members.map(({ kind, id }) => `${kind === 'device' ? 0 : 1}\t${copyText(id)}\n`).join('');
  }
}

/** Locks the audience: two uploads at once become two versions, one after the other. */
async function nextVersion(client: PoolClient, upload: AudienceUpload): Promise<number | undefined> {
  const { appId, audienceId, name, by, now } = upload;
  const { rows } =
    name === undefined
      ? await client.query<{ version: number }>(
          `update audiences set version = version + 1 where id = $1 and app_id = $2 and kind = 'upload' and archived_at is null
           returning version`,
          [audienceId, appId],
        )
      : await client.query<{ version: number }>(
          `insert into audiences (id, app_id, name, kind, version, created_by, created_at)
           values ($1, $2, $3, 'upload', 1, $4, $5) returning version`,
          [audienceId, appId, name, by, now],
        );
  return rows[0]?.version;
}

async function storeVersion(
  client: PoolClient,
  { audienceId, by, now, source }: AudienceUpload,
  version: number,
  rows: number,
): Promise<UploadResult> {
  await client.query(
    `insert into audience_versions (audience_id, version, members, source, created_by, created_at)
     values ($1, $2, 0, '{}', $3, $4)`,
    [audienceId, version, by, now],
  );
  const stored = await client.query(
    'insert into audience_members (audience_id, version, kind, id) select distinct $1, $2::integer, kind, id from staged',
    [audienceId, version],
  );
  const members = stored.rowCount ?? 0;
  const repeated = rows - members;
  await client.query(
    'update audience_versions set members = $3, source = $4 where audience_id = $1 and version = $2',
    [audienceId, version, members, JSON.stringify({ ...source(), repeated })],
  );
  return { version, members, repeated };
}
