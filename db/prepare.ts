import { sql, type Transaction } from 'kysely';
import { STATUS_CODE } from '../domain/delivery.ts';
import { LANES } from '../domain/lanes.ts';
import type { LocalTime } from '../domain/local-time.ts';
import type { TaskDefinition } from '../domain/task-definition.ts';
import { forgetContacts, logContacts } from './contact-log.ts';
import { countAndCut, type LeaseRange } from './cut-leases.ts';
import type { Db } from './database.ts';
import { endOfFirstPart } from './parts.ts';
import { setBulkSettings } from './planner-settings.ts';
import { isByDevice, recipientRows, sourceOf } from './recipients.ts';
import type { Schema } from './schema.ts';
import { createSlot, deliveriesOf, holdSlot, slotOf } from './slots.ts';
import { findSuppression, inBulk, type Suppression, suppress } from './suppression.ts';
import { triggerRecipientRows } from './trigger-recipients.ts';
import { findWaves, inWaves, type Waves } from './waves.ts';

export interface Prepared {
  readonly planned: number;
  readonly sendable: number;
  /** When the first of them may be sent to, in epoch milliseconds; only where all of them have to wait. */
  readonly firstDueAt?: number;
  /** These are the first of a large audience, up to that lease: `prepareNextPart` writes the next. */
  readonly lastLease?: number;
}

/** Smaller pushes are planned well enough without; and one ANALYZE at a time is all a table takes. */
const ANALYZE_ROWS = 10_000;
const MAX_NUMBER = 2_147_483_647;

/**
 * Writes one delivery for each planned device, with the reason when it is lost, numbers those to be sent from 1,
 * and cuts the numbers into leases. All of it in one transaction: run again, it starts afresh in the current slot.
 * Of a large audience, where each device is judged by itself, only the first are written: they are sent to meanwhile.
 */
export async function prepareRecipients(
  db: Db,
  args: {
    pushNo: number;
    appId: string;
    definition: TaskDefinition;
    /** The copy of the audience that was made at approval, where the task asks for one. */
    frozenNo?: number | undefined;
    /** Of a push at each device's own time: that time, in the zone where it comes first. */
    local?: LocalTime | undefined;
    now: Date;
  },
): Promise<Prepared> {
  const slot = slotOf(args.now);
  await createSlot(db, slot);
  const prepared = await db.transaction().execute(async (trx) => {
    const push = await trx
      .selectFrom('pushes')
      .select(['slot', 'started_at', 'app_id', 'task_id', 'revision'])
      .where('no', '=', args.pushNo)
      .forUpdate()
      .executeTakeFirstOrThrow();
    if (push.started_at !== null) throw new Error('a push that has started is not prepared again');
    if (push.slot !== null) await forgetPreparation(trx, args.pushNo, push.slot);
    if (!(await holdSlot(trx, slot))) throw new Error('the slot was dropped meanwhile; try again');
    await setBulkSettings(trx);
    const suppression = await findSuppression(trx, args);
    const waves = await findWaves(trx, { ...args, hold: suppression.hold });
    const isWhole = args.frozenNo !== undefined || waves !== undefined || suppression.hasCaps;
    const end = isWhole ? null : await endOfFirstPart(trx, args);
    await trx
      .updateTable('pushes')
      .set({ slot, prepared_at: args.now, next_part_from: end })
      .where('no', '=', args.pushNo)
      .execute();
    const { written, sizes } = await inBulk(trx, suppression, () =>
      insertDeliveries(trx, {
        ...args,
        frozenNo: args.frozenNo,
        slot,
        waves,
        suppression,
        between: [0, end],
      }),
    );
    const ranges = rangesOf(waves, sizes);
    const { planned, sendable, leases } = await countAndCut(trx, {
      ...{ pushNo: args.pushNo, slot, written, ranges },
      ...(end === null ? {} : { lanes: LANES }),
    });
    const counts = { planned, sendable, ...(end === null ? {} : { lastLease: leases - 1 }) };
    if (suppression.hasCaps) await logContacts(trx, { ...push, no: args.pushNo, slot }, args.now);
    const firstDueAt = ranges[0]?.dueAt?.getTime() ?? 0;
    return firstDueAt > args.now.getTime() ? { ...counts, firstDueAt } : counts;
  });
  if (prepared.planned >= ANALYZE_ROWS) await analyse(db, slot);
  return prepared;
}

/** With stale statistics the first claims would be planned for an empty table. A small sample says enough, and the first request waits for it. */
export async function analyse(db: Db, slot: Date): Promise<void> {
  await db.transaction().execute(async (trx) => {
    await sql`set local default_statistics_target = 10`.execute(trx);
    await sql`analyze ${deliveriesOf(slot)} (push_no, n, status, platform, device_no)`.execute(trx);
  });
}

async function forgetPreparation(trx: Transaction<Schema>, pushNo: number, slot: Date): Promise<void> {
  await trx.deleteFrom('deliveries').where('slot', '=', slot).where('push_no', '=', pushNo).execute();
  await forgetContacts(trx, pushNo);
  await trx.deleteFrom('leases').where('push_no', '=', pushNo).execute();
  await trx.deleteFrom('push_counters').where('push_no', '=', pushNo).execute();
}

type InsertArgs = {
  pushNo: number;
  appId: string;
  definition: TaskDefinition;
  frozenNo: number | undefined;
  now: Date;
  slot: Date;
  waves: Waves | undefined;
  /** Only devices with these numbers; those below them were planned then. */
  between?: readonly [from: number, to: number | null];
  plannedAt?: Date | undefined;
  /** Only devices of these users. */
  userIds?: readonly string[];
  /** Numbered above what is there. */
  above?: number;
  suppression: Suppression;
};

/** How many of each wave are to be sent; without waves nobody asks. */
type WaveSize = { readonly wave: number; readonly size: number };

export async function insertDeliveries(
  trx: Transaction<Schema>,
  args: InsertArgs,
): Promise<{ written: number; sizes: readonly WaveSize[] }> {
  const { appId, definition, frozenNo, now, slot, pushNo, waves, suppression, above = 0 } = args;
  const { userIds, between, plannedAt } = args;
  const { audience, platforms, exclusions = [], devices = 'all' } = definition;
  const from = frozenNo === undefined ? { audience: await sourceOf(trx, { appId, audience }) } : { frozenNo };
  const more = suppression.columns;
  const all = await recipientRows(trx, {
    ...{ appId, now, from, platforms, exclusions, devices, more },
    ...{ userIds, between, plannedAt },
  });
  const planned =
    userIds === undefined
      ? all
      : triggerRecipientRows(all, { ...suppression, userIds, namesUsers: !isByDevice(from) });
  const isOfMany = suppression.isPersonal;
  const judged =
    waves === undefined
      ? suppress(planned, suppression, { pushNo, now, at: sql`${now}::timestamptz`, more: sql`` })
      : suppress(inWaves(planned, waves, suppression.names), suppression, {
          ...{ pushNo, now, more: sql`, r.wave` },
          at: sql`(${waves.dueAt.map((at) => new Date(at))}::timestamptz[])[r.wave + 1]`,
        });
  const { lost, suppressed, pending } = STATUS_CODE;
  // Those to be sent come first, wave by wave, so that their numbers have no gaps.
  const insert = sql`
    insert into ${deliveriesOf(slot)}
      (slot, push_no, n, device_no, device_id, platform, channel, token, status, reason${isOfMany ? sql`, variant, variables` : sql``})
    select ${slot}::timestamptz, ${pushNo}::bigint,
      ${above}::int + row_number() over (order by loss is not null or suppression is not null, ${waves === undefined ? sql`` : sql`wave,`} device_no, id),
      device_no, id, platform, channel, case when loss is null and suppression is null then token end,
      case when loss is not null then ${lost}::smallint when suppression is not null then ${suppressed}::smallint
        else ${pending}::smallint end, coalesce(loss, suppression)
      ${isOfMany ? sql`, variant, case when loss is null and suppression is null then variables end` : sql``}
    from judged`;
  if (waves === undefined) {
    const { numAffectedRows = 0n } = await sql`with judged as (${judged}) ${insert}`.execute(trx);
    return { written: Number(numAffectedRows), sizes: [] };
  }
  const { rows } = await sql<WaveSize>`
    with judged as materialized (${judged}), inserted as (${insert})
    select wave, count(*)::int as size from judged where loss is null and suppression is null
    group by wave order by wave`.execute(trx);
  return { written: rows.reduce((sum, { size }) => sum + size, 0), sizes: rows };
}

/** What is to be sent comes first, wave by wave. */
export function rangesOf(waves: Waves | undefined, sizes: readonly WaveSize[], above = 0): LeaseRange[] {
  if (waves === undefined) return [{ from: above + 1, to: MAX_NUMBER, dueAt: null }];
  let last = above;
  return sizes.map(({ wave, size }) => {
    const from = last + 1;
    last += size;
    return { from, to: last, dueAt: new Date(waves.dueAt[wave] ?? 0) };
  });
}
