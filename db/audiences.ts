import type { Db } from './database.ts';
import { afterCursor, decodeCursor, type Paged, type PageRequest, toPage } from './paging.ts';
import type { AudiencesTable } from './schema.ts';

export interface Audience {
  readonly id: string;
  readonly name: string;
  readonly kind: AudiencesTable['kind'];
  readonly version: number;
  /** Of the newest version; null where members are decided when it is used. */
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

export async function insertAudienceOfAll(
  db: Db,
  audience: { id: string; appId: string; name: string; by: string; now: Date },
): Promise<void> {
  const made = { created_by: audience.by, created_at: audience.now };
  await db.transaction().execute(async (trx) => {
    await trx
      .insertInto('audiences')
      .values({
        id: audience.id,
        app_id: audience.appId,
        name: audience.name,
        kind: 'all',
        version: 1,
        ...made,
      })
      .execute();
    await trx
      .insertInto('audience_versions')
      .values({ audience_id: audience.id, version: 1, members: 0, source: '{}', ...made })
      .execute();
  });
}

export async function listAudiences(db: Db, appId: string, page: PageRequest): Promise<Paged<Audience>> {
  const cursor = page.cursor === undefined ? undefined : decodeCursor(page.cursor);
  const query = audiencesOf(db, appId)
    .orderBy('audiences.created_at', 'desc')
    .orderBy('audiences.id', 'desc')
    .limit(page.limit + 1);
  const rows =
    cursor === undefined
      ? await query.execute()
      : await query
          .where((eb) => afterCursor(eb.ref('audiences.created_at'), eb.ref('audiences.id'), cursor))
          .execute();
  return toPage(
    rows.map((row) => hideCountOfAll(row.kind, row)),
    page.limit,
  );
}

export async function findAudience(db: Db, appId: string, id: string): Promise<Audience | undefined> {
  const row = await audiencesOf(db, appId).where('audiences.id', '=', id).executeTakeFirst();
  return row && hideCountOfAll(row.kind, row);
}

export async function listAudienceVersions(db: Db, audience: Audience): Promise<AudienceVersion[]> {
  const rows = await db
    .selectFrom('audience_versions')
    .select(['version', 'members', 'source', 'created_by as createdBy', 'created_at as createdAt'])
    .where('audience_id', '=', audience.id)
    .orderBy('version', 'desc')
    .limit(VERSIONS_SHOWN)
    .execute();
  return rows.map((row) => hideCountOfAll(audience.kind, row));
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
    .where('audiences.app_id', '=', appId);
}

function hideCountOfAll<Row extends { members: number }>(kind: Audience['kind'], row: Row) {
  return kind === 'all' ? { ...row, members: null } : row;
}
