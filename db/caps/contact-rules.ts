import { sql, type Transaction } from 'kysely';
import { ContactRules } from '../../domain/caps/cap.ts';
import type { Db } from '../core/database.ts';
import type { Schema } from '../schema/schema.ts';
import { logRunningPushes, settleEndedPushes } from './contact-log.ts';

const NONE: ContactRules = ContactRules.parse({});

export async function readContactRules(db: Db, appId: string): Promise<ContactRules> {
  const row = await db
    .selectFrom('contact_rules')
    .select('rules')
    .where('app_id', '=', appId)
    .executeTakeFirst();
  return row === undefined ? NONE : ContactRules.parse(row.rules);
}

/**
 * The rules for preparing a push. Where the app has caps, no other transaction prepares a push or changes the
 * rules until this one ends.
 */
export async function findContactRules(
  trx: Transaction<Schema>,
  { appId, now }: { appId: string; now: Date },
): Promise<ContactRules> {
  const rules = await readContactRules(trx, appId);
  if (rules.caps.length === 0) return rules;
  await lockRules(trx, appId);
  await settleEndedPushes(trx, { appId, now });
  return await readContactRules(trx, appId);
}

export async function replaceContactRules(
  trx: Transaction<Schema>,
  args: { appId: string; rules: ContactRules; personId: string; now: Date },
): Promise<void> {
  const { appId, personId, now } = args;
  await lockRules(trx, appId);
  const before = await readContactRules(trx, appId);
  const rules = JSON.stringify(args.rules);
  const row = { app_id: appId, rules, updated_by: personId, updated_at: now };
  await trx
    .insertInto('contact_rules')
    .values(row)
    .onConflict((conflict) => conflict.column('app_id').doUpdateSet(row))
    .execute();
  // Pushes that were prepared while the app had no caps count from now on. None of them waits for this lock.
  if (before.caps.length === 0 && args.rules.caps.length > 0) await logRunningPushes(trx, { appId, now });
}

async function lockRules(trx: Transaction<Schema>, appId: string): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtext('caps'), hashtext(${appId}))`.execute(trx);
}
