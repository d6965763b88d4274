import { randomBytes } from 'node:crypto';
import { sql } from 'kysely';
import { type Db, openDatabase } from '../../db/core/database.ts';
import { createPartition, deliveriesOf, partitionStartOf } from '../../db/ledger/partitions.ts';
import { insertTask } from '../../db/tasks/tasks.ts';
import { newId, pushIdOf } from '../../domain/ids.ts';
import { STATUS_CODE } from '../../domain/pushes/delivery.ts';
import { TaskDefinition } from '../../domain/tasks/task-definition.ts';

export interface SentPush {
  readonly no: number;
  readonly id: string;
  readonly taskId: string;
  readonly partitionStart: Date;
}

const WINDOW_MS = 72 * 3_600_000;
const LEASE_ROWS = 20_000;

/**
 * A fully sent push without receipts: every row, counter and lease that preparing and sending leave, made by
 * statements instead of requests. Devices with even numbers are iOS.
 */
export async function seedSentPush(
  databaseUrl: string,
  args: { appId: string; devices: number; startedAt: Date },
): Promise<SentPush> {
  const { db } = openDatabase(databaseUrl, 2, 'bench');
  try {
    const { startedAt } = args;
    const partitionStart = partitionStartOf(startedAt);
    await createPartition(db, partitionStart);
    const taskId = await seedTask(db, args);
    const id = pushIdOf(taskId, 1);
    const { no } = await db
      .insertInto('pushes')
      .values({
        id,
        app_id: args.appId,
        task_id: taskId,
        seq: 1,
        revision: 1,
        status: 'collecting',
        due_at: startedAt,
        partition_start: partitionStart,
        started_at: startedAt,
        created_at: startedAt,
        window_ms: WINDOW_MS,
        window_ends_at: new Date(startedAt.getTime() + WINDOW_MS),
      })
      .returning('no')
      .executeTakeFirstOrThrow();
    await seedRows(db, { no, partitionStart, devices: args.devices, at: startedAt });
    return { no, id, taskId, partitionStart };
  } finally {
    await db.destroy();
  }
}

async function seedTask(
  db: Db,
  { appId, startedAt: now }: { appId: string; startedAt: Date },
): Promise<string> {
  const id = newId('task', randomBytes);
  const definition = TaskDefinition.parse({
    audience: { id: newId('audience', randomBytes), version: 1 },
    pushType: 'single',
    content: { title: 'Sale', body: 'Today only' },
  });
  const { id: creator } = await db
    .selectFrom('people')
    .select('id')
    .where('app_id', '=', appId)
    .limit(1)
    .executeTakeFirstOrThrow();
  await insertTask(db, { id, appId, name: 'Benchmark', definition, creator, now });
  return id;
}

/** Makes the rows, of which a 50th is rejected. */
async function seedRows(
  db: Db,
  { no, partitionStart, devices, at }: { no: number; partitionStart: Date; devices: number; at: Date },
): Promise<void> {
  const rows = Math.max(250, Math.min(LEASE_ROWS, Math.ceil(devices / 8)));
  await sql`
    insert into ${deliveriesOf(partitionStart)} (partition_start, push_no, delivery_no, device_no, device_id, platform, channel, token, status, reason, settled_at)
    select ${partitionStart}::timestamptz, ${no}::bigint, n, n, 'device-' || lpad(n::text, 8, '0'), n % 2,
      case n % 2 when 0 then 'apns' else 'fcm' end, encode(sha256(int8send(n)), 'hex'),
      case when n % 50 < 2 then ${sql.lit(STATUS_CODE.rejected)} else ${sql.lit(STATUS_CODE.accepted)} end,
      case when n % 50 < 2 then 'Unregistered' end, ${at}::timestamptz
    from generate_series(1, ${devices}::bigint) n`.execute(db);
  await sql`
    insert into leases (push_no, lease_no, first_no, last_no, claimed_to, pending, done)
    select ${no}::bigint, i, i * ${rows}::int + 1, least((i + 1) * ${rows}::int, ${devices}::int),
      least((i + 1) * ${rows}::int, ${devices}::int), '{0,0,0}', true
    from generate_series(0, (${devices}::int - 1) / ${rows}::int) i`.execute(db);
  await sql`
    insert into push_counters (push_no, shard, platform, metric, reason, hour, value)
    select ${no}::bigint, (delivery_no - 1) / ${rows}::int, platform,
      case when status = ${sql.lit(STATUS_CODE.rejected)} then 'failure' when platform = 0 then 'success' else 'no_feedback' end,
      coalesce(reason, ''), 0, count(*)
    from ${deliveriesOf(partitionStart)} where push_no = ${no} group by 2, 3, 4, 5
    union all
    select ${no}::bigint, -9, platform, metric, '', -1, count(*)
    from ${deliveriesOf(partitionStart)}, unnest('{planned,matched}'::text[]) metric where push_no = ${no} group by 3, 4`.execute(
    db,
  );
  await sql`vacuum analyze ${deliveriesOf(partitionStart)}`.execute(db);
}
