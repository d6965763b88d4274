import type { AudienceDefinition, AudienceKind } from '../../domain/audiences/audience-definition.ts';
import type { Db } from '../core/database.ts';

/** Kinds of audiences that are lists of IDs. The others are conditions on each device. */
export const NAMES_MEMBERS: ReadonlySet<AudienceKind> = new Set(['upload', 'result']);

/** The part of an audience version that decides its membership. */
export interface AudienceSource {
  readonly id: string;
  readonly version: number;
  readonly kind: AudienceKind;
  /** Present for rules and combinations only. Other audiences have members, or include everybody. */
  readonly definition?: AudienceDefinition;
}

export async function findSource(
  db: Db,
  args: { appId: string; audienceId: string; version: number },
): Promise<AudienceSource | undefined> {
  const row = await db
    .selectFrom('audiences as a')
    .innerJoin('audience_versions as v', 'v.audience_id', 'a.id')
    .select(['a.id', 'a.kind', 'v.version', 'v.source'])
    .where('a.id', '=', args.audienceId)
    .where('a.app_id', '=', args.appId)
    .where('v.version', '=', args.version)
    .executeTakeFirst();
  if (row === undefined) return undefined;
  const { id, kind, version, source } = row;
  if (kind !== 'rule' && kind !== 'combination') return { id, kind, version };
  return { id, kind, version, definition: source as unknown as AudienceDefinition };
}
