import { sql, type Transaction } from 'kysely';
import { MESSAGE_CLASSES } from '../../domain/caps/cap.ts';
import { STATUS_CODE } from '../../domain/pushes/delivery.ts';
import { classOf, type TaskDefinition } from '../../domain/tasks/task-definition.ts';
import { PUSHES_DONE_SENDING } from '../../domain/tasks/task-status.ts';
import type { Db } from '../core/database.ts';
import { withHashJoins } from '../core/planner-settings.ts';
import { deliveriesOf } from '../ledger/partitions.ts';
import type { Schema } from '../schema/schema.ts';
import { findDefinition } from '../tasks/task-state.ts';

interface LoggedPush {
  readonly no: number;
  readonly app_id: string;
  readonly task_id: string;
  readonly revision: number;
  readonly partition_start: Date | null;
}

const { pending, retry, accepted, ambiguous } = STATUS_CODE;
const SENT = [accepted, ambiguous];
const SENT_OR_TO_BE_SENT = [pending, retry, ...SENT];

/** A push whose task ignores caps is in no log. */
function counts(definition: TaskDefinition): boolean {
  return definition.caps !== 'ignore';
}

/**
 * Enters the devices above a number that the push has sent to, may have or is to: each with the time of its
 * wave.
 */
export async function logContacts(
  trx: Transaction<Schema>,
  push: LoggedPush,
  now: Date,
  above = 0,
): Promise<void> {
  const definition = await findDefinition(trx, push);
  if (counts(definition)) await insertContacts(trx, push, definition, SENT_OR_TO_BE_SENT, now, above);
  await trx.updateTable('pushes').set({ contacts_logged_at: now }).where('no', '=', push.no).execute();
}

async function insertContacts(
  trx: Transaction<Schema>,
  { no, app_id, partition_start: partitionStart }: LoggedPush,
  definition: TaskDefinition,
  statuses: readonly number[],
  now: Date,
  above = 0,
): Promise<void> {
  if (partitionStart === null) return;
  const place = MESSAGE_CLASSES.indexOf(classOf(definition));
  await sql`
    insert into contacts (app_id, push_no, user_key, device_no, channel, class, at)
    select ${app_id}, ${no}::bigint, coalesce('=' || d.user_id, '#' || d.no), d.no, delivery.channel,
      ${place}::smallint,
      coalesce(delivery.settled_at, lease.due_at, ${now}::timestamptz)
    from ${deliveriesOf(partitionStart)} delivery
    join devices d on d.no = delivery.device_no
    left join leases lease on lease.push_no = delivery.push_no
      and lease.due_at is not null
      and delivery.delivery_no between lease.first_no and lease.last_no
    where delivery.push_no = ${no}
      and delivery.delivery_no > ${above}
      and delivery.status = any(${statuses}::smallint[])`.execute(trx);
}

/**
 * For a push that sends no more: deliveries that were not sent leave the log, or those that were sent enter
 * it.
 */
export async function settleContacts(trx: Transaction<Schema>, pushNo: number, now: Date): Promise<void> {
  const push = await trx
    .selectFrom('pushes')
    .select([
      'no',
      'app_id',
      'task_id',
      'revision',
      'partition_start',
      'contacts_logged_at',
      'contacts_settled_at',
    ])
    .where('no', '=', pushNo)
    .forUpdate()
    .executeTakeFirstOrThrow();
  if (push.contacts_settled_at !== null || push.partition_start === null) return;
  const definition = await findDefinition(trx, push);
  if (push.contacts_logged_at !== null) {
    const unsent = sql`
      delete from contacts contact
      where contact.push_no = ${pushNo}
        and not exists (
          select from ${deliveriesOf(push.partition_start)} delivery
          where delivery.push_no = ${pushNo}
            and delivery.device_no = contact.device_no
            and delivery.status = any(${SENT}::smallint[])
        )`;
    await withHashJoins(trx, () => unsent.execute(trx));
  } else if (counts(definition)) {
    await insertContacts(trx, push, definition, SENT, now);
  }
  await trx.updateTable('pushes').set({ contacts_settled_at: now }).where('no', '=', pushNo).execute();
}

/** Settles pushes that send no more and still hold places for deliveries that they did not send. */
export async function settleEndedPushes(
  trx: Transaction<Schema>,
  { appId, now }: { appId: string; now: Date },
): Promise<void> {
  const ended = await trx
    .selectFrom('pushes')
    .select('no')
    .where('app_id', '=', appId)
    .where('deliveries_deleted_at', 'is', null)
    .where('contacts_logged_at', 'is not', null)
    .where('contacts_settled_at', 'is', null)
    .where('status', 'in', PUSHES_DONE_SENDING)
    .execute();
  for (const { no } of ended) await settleContacts(trx, no, now);
}

/** Enters the deliveries of the app's pushes that are in no log yet and whose rows are still there. */
export async function logRunningPushes(
  trx: Transaction<Schema>,
  { appId, now }: { appId: string; now: Date },
): Promise<void> {
  const pushes = await trx
    .selectFrom('pushes')
    .select(['no', 'app_id', 'task_id', 'revision', 'partition_start'])
    .where('app_id', '=', appId)
    .where('partition_start', 'is not', null)
    .where('deliveries_deleted_at', 'is', null)
    .where('contacts_logged_at', 'is', null)
    .where('contacts_settled_at', 'is', null)
    .forUpdate()
    .execute();
  for (const push of pushes) await logContacts(trx, push, now);
}

/** Removes the entries of a push that is prepared again. */
export async function forgetContacts(trx: Transaction<Schema>, pushNo: number): Promise<void> {
  await trx.deleteFrom('contacts').where('push_no', '=', pushNo).execute();
  await trx.updateTable('pushes').set({ contacts_logged_at: null }).where('no', '=', pushNo).execute();
}

const BATCH = 50_000;

/** Entries that no cap can ask for any more. */
export async function dropContactsBefore(db: Db, before: Date): Promise<void> {
  for (;;) {
    const { numAffectedRows = 0n } = await sql`
      delete from contacts
      where ctid = any(array(
        select ctid
        from contacts
        where at < ${before}
        limit ${sql.lit(BATCH)}
      ))`.execute(db);
    if (numAffectedRows < BigInt(BATCH)) return;
  }
}
