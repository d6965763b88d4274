import { sql } from 'kysely';
import type { TaskDefinition } from '../../domain/tasks/task-definition.ts';
import { isRowLocal, sourceOf } from '../audiences/recipients.ts';
import type { Db } from '../core/database.ts';

/**
 * The first part is written in a tenth of a second, and takes longer to send than the next part takes to
 * write.
 */
const FIRST_DEVICES = 20_000;
const NEXT_DEVICES = 100_000;

interface Audience {
  readonly appId: string;
  readonly definition: TaskDefinition;
  readonly now: Date;
}

/**
 * The number of the first device beyond the first part of the audience; null where the audience is one part.
 */
export async function endOfFirstPart(db: Db, { appId, definition, now }: Audience): Promise<number | null> {
  const { audience, platforms, exclusions = [], devices = 'all' } = definition;
  const from = { audience: await sourceOf(db, { appId, audience }) };
  if (!(await isRowLocal(db, { appId, now, from, platforms, exclusions, devices }))) return null;
  return await endOfPart(db, { appId, from: 0, devices: FIRST_DEVICES });
}

/**
 * The end of the part that begins with a device number. An audience of few devices needs no more than two
 * parts.
 */
export async function endOfNextPart(
  db: Db,
  { appId, from, planned }: { appId: string; from: number; planned: number },
): Promise<number | null> {
  if (planned < FIRST_DEVICES / 2) return null;
  return await endOfPart(db, { appId, from, devices: NEXT_DEVICES });
}

/** A part includes the devices that would make a small part after it. */
async function endOfPart(
  db: Db,
  { appId, from, devices }: { appId: string; from: number; devices: number },
): Promise<number | null> {
  const { rows } = await sql<{ no: number }>`
    with next as materialized (
      -- The first device that the part would not reach.
      select no
      from devices
      where app_id = ${appId} and no >= ${from}::bigint
      order by no
      offset ${devices}
      limit 1
    )
    select no
    from next
    where exists (
      select from devices d
      where d.app_id = ${appId} and d.no >= next.no
      order by d.no
      offset ${FIRST_DEVICES}
    )`.execute(db);
  return rows[0]?.no ?? null;
}
