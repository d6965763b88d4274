import type { UploadContent } from '../schema/schema.ts';
import type { Db } from './database.ts';

export interface IdempotencyClaim {
  readonly scope: string;
  readonly key: string;
  /** What is known of the request before its file is read. */
  readonly requestHash: Buffer;
  readonly now: Date;
  /** A claim older than this belongs to a process that died. */
  readonly abandonedAfterMs: number;
}

export type ClaimResult =
  | { state: 'claimed' }
  | { state: 'in_progress' }
  | { state: 'mismatch' }
  | { state: 'done'; status: number; sealed: Buffer; content: UploadContent | null };

/** Time for which an answer is kept for replay. */
const KEPT_MS = 24 * 3_600_000;

export async function claimIdempotencyKey(db: Db, claim: IdempotencyClaim): Promise<ClaimResult> {
  const fresh = {
    request_hash: claim.requestHash,
    status: null,
    response: null,
    content: null,
    created_at: claim.now,
  };
  const claimed = await db
    .insertInto('idempotency_keys')
    .values({ app_id: claim.scope, key: claim.key, ...fresh })
    .onConflict((conflict) =>
      conflict
        .columns(['app_id', 'key'])
        .doUpdateSet(fresh)
        .where((eb) =>
          eb.or([
            eb('idempotency_keys.created_at', '<', before(claim.now, KEPT_MS)),
            eb.and([
              eb('idempotency_keys.status', 'is', null),
              eb('idempotency_keys.created_at', '<', before(claim.now, claim.abandonedAfterMs)),
            ]),
          ]),
        ),
    )
    .returning('key')
    .executeTakeFirst();
  return claimed === undefined ? readClaim(db, claim) : { state: 'claimed' };
}

async function readClaim(db: Db, claim: IdempotencyClaim): Promise<ClaimResult> {
  const row = await db
    .selectFrom('idempotency_keys')
    .select(['request_hash', 'status', 'response', 'content'])
    .where('app_id', '=', claim.scope)
    .where('key', '=', claim.key)
    .executeTakeFirst();
  if (row === undefined) return { state: 'in_progress' };
  if (!row.request_hash.equals(claim.requestHash)) return { state: 'mismatch' };
  if (row.status === null) return { state: 'in_progress' };
  const sealed = Buffer.from(String(row.response), 'base64');
  return { state: 'done', status: row.status, sealed, content: row.content };
}

/** Renews the claim of a request that is still running. */
export async function keepIdempotencyKey(
  db: Db,
  { scope, key, now }: { scope: string; key: string; now: Date },
): Promise<void> {
  await db
    .updateTable('idempotency_keys')
    .set({ created_at: now })
    .where('app_id', '=', scope)
    .where('key', '=', key)
    .where('status', 'is', null)
    .execute();
}

interface IdempotencyAnswer {
  readonly scope: string;
  readonly key: string;
  readonly status: number;
  readonly sealed: Buffer;
  /** The file that the request sent. */
  readonly content: UploadContent | null;
}

/** Stores the answer encrypted, because it may hold a key or a device secret. */
export async function settleIdempotencyKey(
  db: Db,
  { scope, key, status, sealed, content }: IdempotencyAnswer,
): Promise<void> {
  await db
    .updateTable('idempotency_keys')
    .set({
      status,
      response: JSON.stringify(sealed.toString('base64')),
      content: content && JSON.stringify(content),
    })
    .where('app_id', '=', scope)
    .where('key', '=', key)
    .execute();
}

/** Releases the key of a request that changed nothing, so that it can be used again. */
export async function releaseIdempotencyKey(db: Db, scope: string, key: string): Promise<void> {
  await db
    .deleteFrom('idempotency_keys')
    .where('app_id', '=', scope)
    .where('key', '=', key)
    .where('status', 'is', null)
    .execute();
}

export async function deleteOldIdempotencyKeys(db: Db, now: Date): Promise<void> {
  await db.deleteFrom('idempotency_keys').where('created_at', '<', before(now, KEPT_MS)).execute();
}

function before(now: Date, ms: number): Date {
  return new Date(now.getTime() - ms);
}
