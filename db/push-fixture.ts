import { randomBytes } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { sql } from 'kysely';
import { PLATFORM_CODE } from '../domain/delivery.ts';
import { newId, pushIdOf } from '../domain/ids.ts';
import { reconcile } from '../domain/metrics.ts';
import type { Platform } from '../domain/platform.ts';
import { TaskDefinition } from '../domain/task-definition.ts';
import type { Db } from './database.ts';
import { seedPerson } from './ledger-fixture.ts';
import { prepareRecipients } from './prepare.ts';
import { createPush, findPush } from './pushes.ts';
import { deliveriesOf } from './slots.ts';
import { readStatistics, recountStatistics } from './statistics.ts';
import { insertTask } from './tasks.ts';

export interface SeededDevice {
  readonly id: string;
  readonly platform?: Platform;
  readonly channel?: string;
  readonly user?: string;
  readonly locale?: string;
  readonly timeZone?: string;
  readonly attributes?: object;
}

/** For tests: an app with these devices, and an audience of them all. */
export async function seedDevices(db: Db, devices: readonly SeededDevice[], now: Date) {
  const { appId, personId } = await seedPerson(db, now);
  for (const { id, platform = 'ios', channel = 'apns', user, locale, timeZone, attributes = {} } of devices) {
    await sql`
      insert into devices (
        app_id, device_id, platform, channel, token, token_state, token_registered_at,
        user_id, locale, time_zone, attributes, created_at, updated_at
      )
      values (
        ${appId}, ${id}, ${PLATFORM_CODE[platform]}, ${channel}, ${`token-${id}`}, 'active', ${now},
        ${user ?? null}, ${locale ?? null}, ${timeZone ?? null}, ${JSON.stringify(attributes)}, ${now}, ${now}
      )`.execute(db);
  }
  const audienceId = newId('audience', randomBytes);
  await sql`
    insert into audiences
    values (${audienceId}, ${appId}, 'a', 'all', 1, ${personId}, ${now})`.execute(db);
  await sql`
    insert into audience_versions
    values (${audienceId}, 1, ${devices.length}, '{}', ${personId}, ${now})`.execute(db);
  return { appId, personId, audienceId };
}

export type SeededApp = Awaited<ReturnType<typeof seedDevices>>;

/** Prepares a push to all of them. */
export async function preparePush(db: Db, app: SeededApp, more: object, now: Date) {
  const { appId, personId, audienceId } = app;
  const definition = TaskDefinition.parse({
    audience: { id: audienceId, version: 1 },
    pushType: 'single',
    content: { title: 't', body: 'b' },
    ...more,
  });
  const taskId = newId('task', randomBytes);
  await insertTask(db, { id: taskId, appId, name: 'Sale', definition, creator: personId, now });
  const id = pushIdOf(taskId, 1);
  await createPush(db, { id, taskId, seq: 1, revision: 1, dueAt: now, windowMs: 1000, now });
  const { no } = await findPush(db, id);
  const local = definition.local?.at;
  const prepared = await prepareRecipients(db, { pushNo: no, appId, definition, local, now });
  const { slot } = await findPush(db, id);
  if (slot === null) throw new Error('not prepared');
  return { id, no, slot, definition, prepared };
}

export type PreparedPush = Awaited<ReturnType<typeof preparePush>>;

interface Row {
  readonly id: string;
  readonly n: number;
  readonly status: number;
  readonly reason: string | null;
  readonly variant: number | null;
  readonly variables: object | null;
}

export async function deliveriesOfPush(db: Db, { no, slot }: PreparedPush): Promise<Row[]> {
  const { rows } = await sql<Row>`
    select device_id as id, n, status, reason, variant, variables
    from ${deliveriesOf(slot)}
    where push_no = ${no}
    order by device_id`.execute(db);
  return rows;
}

/** The live numbers; throws when they do not add up or differ from a recount of the rows. */
export async function soundFigures(db: Db, { no, slot }: PreparedPush, now: Date) {
  const answer = await readStatistics(db, { pushNo: no, now });
  if (answer === undefined) throw new Error('no statistics');
  const faults = reconcile(answer.statistics);
  if (faults.length > 0) throw new Error(faults.join('; '));
  const recounted = await recountStatistics(db, { pushNo: no, slot });
  if (!isDeepStrictEqual(recounted, answer.statistics)) {
    throw new Error(`live ${JSON.stringify(answer.statistics)}, recounted ${JSON.stringify(recounted)}`);
  }
  return answer.statistics;
}
