import { type Db, inTransaction } from '../core/database.ts';
import { afterCursor, type Paged, type PageRequest, toPage } from '../core/paging.ts';
import type { AudiencesTable } from '../schema/schema.ts';

export interface Audience {
  readonly id: string;
  readonly name: string;
  readonly kind: AudiencesTable['kind'];
  readonly version: number;
  /** Members of the newest version. Null where membership is computed at each use. */
  readonly members: number | null;
  readonly createdBy: string;
  readonly createdAt: Date;
}

export interface AudienceVersion {
  readonly version: number;
  readonly members: number | null;
  readonly source: Record<string, unknown>;
  readonly createdBy: string;
  readonly createdAt: Date;
}

export interface NewAudience {
  readonly id: string;
  readonly appId: string;
  readonly name: string;
  readonly kind: 'all' | 'rule' | 'combination' | 'upload';
  /** The rule or combination, or the origin of the members. */
  readonly source: object;
  readonly by: string;
  readonly now: Date;
}

/** Inserts an audience without members. Members of an upload are inserted afterwards. */
export async function insertAudience(db: Db, audience: NewAudience): Promise<void> {
  const { id, appId, name, kind, by, now } = audience;
  const made = { created_by: by, created_at: now };
  await inTransaction(db, async (trx) => {
    await trx
      .insertInto('audiences')
      .values({ id, app_id: appId, name, kind, version: 1, archived_at: null, ...made })
      .execute();
    await insertVersion(trx, { ...audience, version: 1 });
  });
}

/** Answers the number of the new version. Undefined when the app has no such audience of that kind. */
export async function insertNextVersion(
  db: Db,
  audience: Omit<NewAudience, 'name'>,
): Promise<number | undefined> {
  return await inTransaction(db, async (trx) => {
    const row = await trx
      .updateTable('audiences')
      .set((eb) => ({ version: eb('version', '+', 1) }))
      .where('id', '=', audience.id)
      .where('app_id', '=', audience.appId)
      .where('kind', '=', audience.kind)
      .where('archived_at', 'is', null)
      .returning('version')
      .executeTakeFirst();
    if (row !== undefined) await insertVersion(trx, { ...audience, version: row.version });
    return row?.version;
  });
}

async function insertVersion(
  db: Db,
  { id, version, source, by, now }: Pick<NewAudience, 'id' | 'source' | 'by' | 'now'> & { version: number },
): Promise<void> {
  await db
    .insertInto('audience_versions')
    .values({
      audience_id: id,
      version,
      members: 0,
      source: JSON.stringify(source),
      created_by: by,
      created_at: now,
    })
    .execute();
}

export async function listAudiences(db: Db, appId: string, page: PageRequest): Promise<Paged<Audience>> {
  const rows = await audiencesOf(db, appId)
    .where(({ ref }) => afterCursor(ref('audiences.created_at'), ref('audiences.id'), page.cursor))
    .orderBy('audiences.created_at', 'desc')
    .orderBy('audiences.id', 'desc')
    .limit(page.limit + 1)
    .execute();
  return toPage(
    rows.map((row) => hideNoCount(row.kind, row)),
    page.limit,
  );
}

export async function findAudience(db: Db, appId: string, id: string): Promise<Audience | undefined> {
  const row = await audiencesOf(db, appId).where('audiences.id', '=', id).executeTakeFirst();
  return row && hideNoCount(row.kind, row);
}

export async function listAudienceVersions(db: Db, audience: Audience): Promise<AudienceVersion[]> {
  const rows = await db
    .selectFrom('audience_versions')
    .select(['version', 'members', 'source', 'created_by as createdBy', 'created_at as createdAt'])
    .where('audience_id', '=', audience.id)
    .orderBy('version', 'desc')
    .limit(VERSIONS_SHOWN)
    .execute();
  return rows.map((row) => hideNoCount(audience.kind, row));
}

const VERSIONS_SHOWN = 200;

function audiencesOf(db: Db, appId: string) {
  return db
    .selectFrom('audiences')
    .innerJoin('audience_versions as newest', (join) =>
      join.onRef('newest.audience_id', '=', 'audiences.id').onRef('newest.version', '=', 'audiences.version'),
    )
    .select([
      'audiences.id',
      'audiences.name',
      'audiences.kind',
      'audiences.version',
      'newest.members',
      'audiences.created_by as createdBy',
      'audiences.created_at as createdAt',
    ])
    .where('audiences.app_id', '=', appId)
    .where('audiences.archived_at', 'is', null);
}

function hideNoCount<Row extends { members: number }>(kind: Audience['kind'], row: Row) {
  return kind === 'upload' || kind === 'result' ? row : { ...row, members: null };
}
