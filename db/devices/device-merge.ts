import type { PoolClient } from 'pg';
import { ClashError, withRetry } from '../core/retry.ts';
import {
  COUNT_LIFTED,
  DISPLACE,
  DROP_DUPLICATES,
  FORGET_IDENTIFIERS,
  GATHER_BY_TOKEN,
  GATHER_OPT_OUTS,
  INHERIT_OPT_OUTS,
  INSERT_ALL,
  INSERT_NEW,
  KEEP_INVALID,
  LATER_TOKEN_WINS,
  PUT_IDENTIFIERS,
  TAKE_IDENTIFIERS,
  UPDATE_KNOWN,
} from './device-merge-sql.ts';

interface MergeArgs {
  readonly appId: string;
  readonly now: Date;
  readonly staged: number;
  readonly hasIdentifiers: boolean;
  readonly resubscribes: boolean;
}

export async function dropDuplicates(client: PoolClient, shown: number, hasOptOuts: boolean) {
  for (const gather of hasOptOuts ? [GATHER_OPT_OUTS, GATHER_BY_TOKEN] : []) await client.query(gather);
  const { rows } = await client.query<{ line: number; total: number }>(DROP_DUPLICATES, [shown]);
  await client.query(LATER_TOKEN_WINS);
  return { duplicates: rows[0]?.total ?? 0, duplicateLines: rows.map((row) => row.line) };
}

/**
 * Repeats the merge when another device registers a token of the file during it. A device of the file that
 * registers itself costs only one more pass.
 */
export async function mergeStaged(client: PoolClient, args: MergeArgs) {
  let isFirstTry = true;
  return withRetry(async () => {
    await client.query('savepoint merge');
    try {
      const merged = await merge(client, args, isFirstTry);
      if (args.hasIdentifiers) await putIdentifiers(client, args.appId);
      return merged;
    } catch (error) {
      isFirstTry = false;
      await client.query('rollback to savepoint merge');
      throw error;
    }
  });
}

const PASSES = 8;

/**
 * After each pass `created + updated` counts every staged row at most once: an insert leaves known devices
 * alone, and an update after the first pass leaves the rows of this import alone. A row that is still missing
 * belongs to a device that registered itself between the update and the insert. The next pass updates that
 * device.
 */
async function merge(client: PoolClient, args: MergeArgs, isFirstTry: boolean) {
  const { appId, now, staged, resubscribes } = args;
  if (isFirstTry && !(await hasDevices(client, appId))) {
    const created = await countOf(client, INSERT_ALL, [appId, now]);
    return { created, updated: 0, optOutsKept: 0, resubscribed: 0 };
  }
  await client.query(INHERIT_OPT_OUTS, [appId, resubscribes]);
  const lifted = await liftedBy(client, appId);
  let [created, updated] = [0, 0];
  for (let pass = 1; pass <= PASSES; pass++) {
    await client.query(KEEP_INVALID, [appId]);
    await client.query(DISPLACE, [appId, now]);
    updated += await countOf(client, UPDATE_KNOWN, [appId, now, pass === 1, resubscribes]);
    if (created + updated === staged) break;
    created += await countOf(client, INSERT_NEW, [appId, now]);
    if (created + updated === staged) break;
  }
  if (created + updated !== staged)
    throw new ClashError(
      'devices of the file keep registering during the import; import the file again later',
    );
  return {
    created,
    updated,
    optOutsKept: resubscribes ? 0 : lifted,
    resubscribed: resubscribes ? lifted : 0,
  };
}

async function liftedBy(client: PoolClient, appId: string): Promise<number> {
  const { rows } = await client.query<{ lifted: number }>(COUNT_LIFTED, [appId]);
  return rows[0]?.lifted ?? 0;
}

async function hasDevices(client: PoolClient, appId: string): Promise<boolean> {
  return (await countOf(client, 'select from devices where app_id = $1 limit 1', [appId])) > 0;
}

async function putIdentifiers(client: PoolClient, appId: string): Promise<void> {
  await client.query(FORGET_IDENTIFIERS, [appId]);
  await client.query(TAKE_IDENTIFIERS, [appId]);
  await client.query(PUT_IDENTIFIERS, [appId]);
}

async function countOf(client: PoolClient, statement: string, values: unknown[]): Promise<number> {
  return (await client.query(statement, values)).rowCount ?? 0;
}
