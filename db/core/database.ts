import { Kysely, PostgresDialect, sql, type Transaction } from 'kysely';
import { Pool, types } from 'pg';
import type { Schema } from '../schema/schema.ts';
import { NamingClient } from './named-statements.ts';

export type Db = Kysely<Schema>;

/** Joins the caller's transaction, or begins one. */
export function inTransaction<T>(db: Db, work: (trx: Transaction<Schema>) => Promise<T>): Promise<T> {
  return db.isTransaction ? work(db as Transaction<Schema>) : db.transaction().execute(work);
}

/** Reads from one snapshot, so that several figures agree with each other. */
export function atOneMoment<T>(db: Db, read: (trx: Transaction<Schema>) => Promise<T>): Promise<T> {
  return db.transaction().setIsolationLevel('repeatable read').setAccessMode('read only').execute(read);
}

/** Rejects when Postgres does not answer. */
export async function ping(db: Db): Promise<void> {
  await sql`select 1`.execute(db);
}

const INT8_OID = 20;
const intTypes = {
  getTypeParser(oid: number, format?: 'text' | 'binary') {
    return oid === INT8_OID && format !== 'binary' ? Number : types.getTypeParser(oid, format);
  },
} as typeof types;

/**
 * Settings for the sending path only. Its few statements find rows by number in an index. The statistics of a
 * partition that was empty a moment ago would make the planner choose a sequential scan. Generic plans avoid
 * planning each execution.
 */
const SENDER_OPTIONS = [
  'plan_cache_mode=force_generic_plan',
  'enable_seqscan=off',
  'enable_hashjoin=off',
  // A sender frozen within a transaction holds locks that a fence waits for. Postgres ends that transaction
  // before the lease expires.
  'idle_in_transaction_session_timeout=2s',
  'statement_timeout=5s',
]
  .map((setting) => `-c ${setting}`)
  .join(' ');

export function openSenderDatabase(url: string, poolSize: number): { db: Db; pool: Pool } {
  return openDatabase(url, poolSize, 'signalbox-sender', SENDER_OPTIONS);
}

export function openDatabase(
  url: string,
  poolSize = 12,
  applicationName = 'signalbox',
  options?: string,
): { db: Db; pool: Pool } {
  const pool = new Pool({
    Client: NamingClient,
    ...(options === undefined ? {} : { options }),
    connectionString: url,
    max: poolSize,
    application_name: applicationName,
    types: intTypes,
    connectionTimeoutMillis: 10_000,
  });
  // The pool replaces a connection that the server closed at the next query. Without a listener the error
  // would end the process.
  pool.on('error', () => undefined);
  // The pool listens to idle connections only, so that errors between two statements of a transaction need a
  // listener, too.
  pool.on('connect', (client) => client.on('error', () => undefined));
  return { db: new Kysely<Schema>({ dialect: new PostgresDialect({ pool }) }), pool };
}
