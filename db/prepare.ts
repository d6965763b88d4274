import { sql, type Transaction } from 'kysely';
import { PLATFORM_CODE, STATUS_CODE } from '../domain/delivery.ts';
import type { TaskDefinition } from '../domain/task-definition.ts';
import type { Db } from './database.ts';
import type { Schema } from './schema.ts';
import { createSlot, deliveriesOf, holdSlot, slotOf } from './slots.ts';

export interface Prepared {
  readonly planned: number;
  readonly sendable: number;
}

const LEASE_ROWS = 20_000;
/** Smaller pushes are planned well enough without; and one ANALYZE at a time is all a table takes. */
const ANALYZE_ROWS = 10_000;
/** Enough leases for every lane of a small push, few enough that a workflow can list those of a large one. */
const LEASES = { min: 8, max: 1000, minRows: 250 };
/** The counters' slot of what preparing counts; leases count under their own number. */
const PREPARED_SLOT = -9;

/**
 * Writes one delivery for each planned device, with the reason when it is lost, numbers those to be sent from 1,
 * and cuts the numbers into leases. All of it in one transaction: run again, it starts afresh in the current slot.
 */
export async function prepareRecipients(
  db: Db,
  args: { pushNo: number; appId: string; definition: TaskDefinition; now: Date },
): Promise<Prepared> {
  const slot = slotOf(args.now);
  await createSlot(db, slot);
  const prepared = await db.transaction().execute(async (trx) => {
    const push = await trx
      .selectFrom('pushes')
      .select(['slot', 'started_at'])
      .where('no', '=', args.pushNo)
      .forUpdate()
      .executeTakeFirstOrThrow();
    if (push.started_at !== null) throw new Error('a push that has started is not prepared again');
    if (push.slot !== null) await forgetPreparation(trx, args.pushNo, push.slot);
    if (!(await holdSlot(trx, slot))) throw new Error('the slot was dropped meanwhile; try again');
    await trx.updateTable('pushes').set({ slot }).where('no', '=', args.pushNo).execute();
    await insertDeliveries(trx, { ...args, slot });
    const counts = await countPrepared(trx, args.pushNo, slot);
    await cutLeases(trx, args.pushNo, slot, counts.sendable);
    return counts;
  });
  // With stale statistics the first claims would be planned for an empty table.
  if (prepared.planned >= ANALYZE_ROWS) await sql`analyze ${deliveriesOf(slot)}`.execute(db);
  return prepared;
}

async function forgetPreparation(trx: Transaction<Schema>, pushNo: number, slot: Date): Promise<void> {
  await trx.deleteFrom('deliveries').where('slot', '=', slot).where('push_no', '=', pushNo).execute();
  await trx.deleteFrom('leases').where('push_no', '=', pushNo).execute();
  await trx.deleteFrom('push_counters').where('push_no', '=', pushNo).execute();
}

type InsertArgs = { pushNo: number; appId: string; definition: TaskDefinition; slot: Date };

async function insertDeliveries(trx: Transaction<Schema>, args: InsertArgs): Promise<void> {
  const platforms = args.definition.platforms.map((platform) => PLATFORM_CODE[platform]);
  // Of several planned IDs of one device the first counts, the others are lost as duplicates.
  await sql`
    with planned as (${plannedIds(args)}),
    judged as (
      select planned.id, planned.device_no, d.platform, d.channel, d.token,
        case
          when planned.device_no is null and planned.kind = 1 then 'unknown_user'
          when planned.device_no is null then 'unknown_device'
          when row_number() over (partition by planned.device_no order by planned.kind, planned.id) > 1 then 'duplicate_device'
          when d.platform <> all(${platforms}::smallint[]) then 'other_platform'
          when d.unsubscribed_at is not null then 'unsubscribed'
          when d.token_state in ('invalid', 'replaced') then 'invalid_token'
          when d.token_state <> 'active' then 'no_token'
        end as loss
      from planned left join devices d on d.no = planned.device_no
    )
    insert into ${deliveriesOf(args.slot)}
      (slot, push_no, n, device_no, device_id, platform, channel, token, status, reason)
    select ${args.slot}::timestamptz, ${args.pushNo}::bigint, row_number() over (order by loss is not null, device_no, id),
      device_no, id, platform, channel, case when loss is null then token end,
      case when loss is null then ${STATUS_CODE.pending}::smallint else ${STATUS_CODE.lost}::smallint end, loss
    from judged`.execute(trx);
}

/** Rows (kind, id, device_no): what was planned, and the device that it stands for, if any. */
function plannedIds({ appId, definition }: InsertArgs) {
  const { id, version } = definition.audience;
  const isAll = sql`exists (select from audiences where id = ${id} and kind = 'all')`;
  return sql`
    select 0 as kind, d.device_id as id, d.no as device_no
      from devices d where d.app_id = ${appId} and ${isAll}
    union all
    select 0, m.id, d.no
      from audience_members m left join devices d on d.app_id = ${appId} and d.device_id = m.id
      where m.audience_id = ${id} and m.version = ${version ?? 1} and m.kind = 0
    union all
    select 1, coalesce(d.device_id, m.id), d.no
      from audience_members m left join devices d on d.app_id = ${appId} and d.user_id = m.id
      where m.audience_id = ${id} and m.version = ${version ?? 1} and m.kind = 1`;
}

async function countPrepared(trx: Transaction<Schema>, pushNo: number, slot: Date): Promise<Prepared> {
  await sql`
    insert into push_counters (push_no, slot, platform, metric, reason, value)
    select ${pushNo}::bigint, ${PREPARED_SLOT}::smallint, platform, metric, case when metric = 'lost' then reason else '' end, sum(value)
    from (
      select coalesce(platform, -1) as platform, status, coalesce(reason, '') as reason, count(*) as value
      from ${deliveriesOf(slot)} where push_no = ${pushNo} group by 1, 2, 3
    ) counted, lateral (values
      ('planned', true),
      ('matched', status <> ${STATUS_CODE.lost}),
      ('lost', status = ${STATUS_CODE.lost})
    ) as metrics (metric, counts)
    where counts group by 1, 2, 3, 4, 5`.execute(trx);
  const { rows } = await sql<Prepared>`
    select count(*) as planned, count(*) filter (where status = ${STATUS_CODE.pending}) as sendable
    from ${deliveriesOf(slot)} where push_no = ${pushNo}`.execute(trx);
  return rows[0] ?? { planned: 0, sendable: 0 };
}

async function cutLeases(
  trx: Transaction<Schema>,
  pushNo: number,
  slot: Date,
  sendable: number,
): Promise<void> {
  const rows = Math.max(
    LEASES.minRows,
    Math.min(LEASE_ROWS, Math.ceil(sendable / LEASES.min)),
    Math.ceil(sendable / LEASES.max),
  );
  await sql`
    insert into leases (push_no, lease_no, from_n, to_n, mark_n, pending)
    select ${pushNo}::bigint, (n - 1) / ${rows}::int, min(n), max(n), min(n) - 1,
      array[count(*) filter (where platform = 0), count(*) filter (where platform = 1), count(*) filter (where platform = 2)]::int[]
    from ${deliveriesOf(slot)} where push_no = ${pushNo} and n <= ${sendable}
    group by 2 order by 2`.execute(trx);
}
