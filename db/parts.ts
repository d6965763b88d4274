import { sql } from 'kysely';
import type { TaskDefinition } from '../domain/task-definition.ts';
import type { Db } from './database.ts';
import { isRowLocal, sourceOf } from './recipients.ts';

/** Written in a tenth of a second, and enough to be sent until the next are written. */
const FIRST_DEVICES = 20_000;
const NEXT_DEVICES = 100_000;

interface Audience {
  readonly appId: string;
  readonly definition: TaskDefinition;
  readonly now: Date;
}

/** The number of the first device that the first part of the audience does not reach; null where all are one part. */
export async function endOfFirstPart(db: Db, { appId, definition, now }: Audience): Promise<number | null> {
  const { audience, platforms, exclusions = [], devices = 'all' } = definition;
  const from = { audience: await sourceOf(db, { appId, audience }) };
  if (!(await isRowLocal(db, { appId, now, from, platforms, exclusions, devices }))) return null;
  return await endOfPart(db, { appId, from: 0, devices: FIRST_DEVICES });
}

/** Of the part that begins with a device number. Where the first part planned few, one more look finds the others. */
export async function endOfNextPart(
  db: Db,
  { appId, from, planned }: { appId: string; from: number; planned: number },
): Promise<number | null> {
  if (planned < FIRST_DEVICES / 2) return null;
  return await endOfPart(db, { appId, from, devices: NEXT_DEVICES });
}

/** A part takes along what would be a small one after it. */
async function endOfPart(
  db: Db,
  { appId, from, devices }: { appId: string; from: number; devices: number },
): Promise<number | null> {
  const { rows } = await sql<{ no: number }>`
    with next as materialized (
      select no from devices where app_id = ${appId} and no >= ${from}::bigint order by no offset ${devices} limit 1
    )
    select no from next where exists (
      select from devices d where d.app_id = ${appId} and d.no >= next.no order by d.no offset ${FIRST_DEVICES})`.execute(
    db,
  );
  return rows[0]?.no ?? null;
}
