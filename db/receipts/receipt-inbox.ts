import type { Transaction } from 'kysely';
import type { Mac } from '../../domain/receipts/message-id.ts';
import { readCallback } from '../../domain/receipts/receipt-callback.ts';
import type { Db } from '../core/database.ts';
import type { Schema } from '../schema/schema.ts';
import { recordReceiptsIn } from './receipts.ts';

export interface NewCallback {
  readonly keyId: string;
  readonly appId: string;
  /** The vendor's own ID: the same callback again changes nothing. */
  readonly callbackId: string;
  readonly body: string;
  readonly now: Date;
}

export async function insertCallback(db: Db, callback: NewCallback): Promise<void> {
  await db
    .insertInto('receipt_inbox')
    .values({
      key_id: callback.keyId,
      app_id: callback.appId,
      callback_id: callback.callbackId,
      body: callback.body,
      received_at: callback.now,
      done_at: null,
      outcome: null,
    })
    .onConflict((conflict) => conflict.columns(['key_id', 'callback_id']).doNothing())
    .execute();
}

export interface Drained {
  readonly done: number;
  /** Errors of the callbacks that stay, to be tried again. */
  readonly errors: unknown[];
}

/**
 * Reads the waiting callbacks, oldest first, each in a transaction that also counts its receipts. The time at
 * which the callback was received decides whether they are late. Several processes may drain at once. A
 * callback that fails does not block the others.
 */
export async function drainInbox(db: Db, { mac, now }: { mac: Mac; now: Date }): Promise<Drained> {
  const drained = { done: 0, errors: [] as unknown[] };
  for (let after = 0; ; ) {
    const next = await findWaiting(db, after);
    if (next === undefined) return drained;
    after = next;
    try {
      if (await db.transaction().execute((trx) => readOne(trx, { no: next, mac, now }))) drained.done++;
    } catch (error) {
      drained.errors.push(error);
    }
  }
}

async function findWaiting(db: Db, after: number): Promise<number | undefined> {
  const row = await db
    .selectFrom('receipt_inbox')
    .select('no')
    .where('done_at', 'is', null)
    .where('no', '>', after)
    .orderBy('no')
    .limit(1)
    .executeTakeFirst();
  return row?.no;
}

async function readOne(
  trx: Transaction<Schema>,
  { no, mac, now }: { no: number; mac: Mac; now: Date },
): Promise<boolean> {
  const row = await trx
    .selectFrom('receipt_inbox')
    .select(['app_id', 'body', 'received_at'])
    .where('no', '=', no)
    .where('done_at', 'is', null)
    .forUpdate()
    .skipLocked()
    .executeTakeFirst();
  if (row === undefined) return false;
  const outcome = await outcomeOf(trx, { ...row, mac });
  await trx
    .updateTable('receipt_inbox')
    .set({ body: null, done_at: now, outcome: JSON.stringify(outcome) })
    .where('no', '=', no)
    .execute();
  return true;
}

/** The number of receipts with each result; `unreadable` when the body was not a callback. */
async function outcomeOf(
  trx: Transaction<Schema>,
  callback: { app_id: string; body: string | null; received_at: Date; mac: Mac },
): Promise<Record<string, number>> {
  const { app_id: appId, received_at: now } = callback;
  const read = readCallback(callback.mac, callback.body ?? '', now);
  if (read === undefined) return { unreadable: 1 };
  const { receipts, refusals } = read;
  const unknown = refusals.filter((refusal) => 'result' in refusal).length;
  const error = refusals.length - unknown;
  const refused = refusals.length === 0 ? undefined : { unknown, error };
  const results = await recordReceiptsIn(trx, { now, appId, source: 'vendor', receipts, refused });
  const outcome: Record<string, number> = {};
  for (const result of results.values()) outcome[result] = (outcome[result] ?? 0) + 1;
  if (unknown > 0) outcome['unknown'] = (outcome['unknown'] ?? 0) + unknown;
  if (error > 0) outcome['error'] = error;
  return outcome;
}

const BLOCKING_MS = 600_000;

/**
 * Whether callbacks that came within the window of the push are still to be read. Callbacks block freezing
 * for ten minutes at most.
 */
export async function hasWaitingCallbacks(db: Db, args: { pushNo: number; now: Date }): Promise<boolean> {
  const row = await db
    .selectFrom('receipt_inbox as callback')
    .innerJoin('pushes as push', 'push.app_id', 'callback.app_id')
    .select('callback.no')
    .where('push.no', '=', args.pushNo)
    .where('callback.done_at', 'is', null)
    .where('callback.received_at', '>', new Date(args.now.getTime() - BLOCKING_MS))
    .whereRef('callback.received_at', '<', 'push.window_ends_at')
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

export interface CallbackLine {
  readonly no: number;
  readonly keyId: string;
  readonly callbackId: string;
  readonly receivedAt: Date;
  readonly doneAt: Date | null;
  readonly outcome: Record<string, number> | null;
}

/** Callbacks of the app in the last days, newest first, below the number `before`. */
export async function listCallbacks(
  db: Db,
  args: { appId: string; before: number | undefined; limit: number },
): Promise<CallbackLine[]> {
  return await db
    .selectFrom('receipt_inbox')
    .select([
      'no',
      'key_id as keyId',
      'callback_id as callbackId',
      'received_at as receivedAt',
      'done_at as doneAt',
      'outcome',
    ])
    .where('app_id', '=', args.appId)
    .$if(args.before !== undefined, (query) => query.where('no', '<', args.before ?? 0))
    .orderBy('no', 'desc')
    .limit(args.limit)
    .execute();
}

export async function countWaiting(
  db: Db,
  { appId }: { appId: string },
): Promise<{ waiting: number; oldestAt: Date | null }> {
  const { waiting, oldestAt } = await db
    .selectFrom('receipt_inbox')
    .select((eb) => [eb.fn.countAll<number>().as('waiting'), eb.fn.min('received_at').as('oldestAt')])
    .where('app_id', '=', appId)
    .where('done_at', 'is', null)
    .executeTakeFirstOrThrow();
  return { waiting, oldestAt: oldestAt ?? null };
}

const KEPT_MS = 7 * 86_400_000;

/** A callback that a vendor repeats after its deletion reports what is known: nothing counts twice. */
export async function deleteOldCallbacks(db: Db, now: Date): Promise<void> {
  await db
    .deleteFrom('receipt_inbox')
    .where('done_at', '<', new Date(now.getTime() - KEPT_MS))
    .execute();
}
