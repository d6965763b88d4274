import { Kysely, PostgresDialect } from 'kysely';
import { Pool, types } from 'pg';
import type { Schema } from './schema.ts';

export type Db = Kysely<Schema>;

const INT8_OID = 20;
const intTypes = {
  getTypeParser(oid: number, format?: 'text' | 'binary') {
    return oid === INT8_OID && format !== 'binary' ? Number : types.getTypeParser(oid, format);
  },
} as typeof types;

export function openDatabase(
  url: string,
  poolSize = 12,
  applicationName = 'signalbox',
): { db: Db; pool: Pool } {
  const pool = new Pool({
    connectionString: url,
    max: poolSize,
    application_name: applicationName,
    types: intTypes,
    connectionTimeoutMillis: 10_000,
  });
  // A connection that the server closed is replaced at the next query; without a listener it would end the process.
  pool.on('error', () => undefined);
  // The pool listens to idle connections only: between two statements of a transaction nobody else does.
  pool.on('connect', (client) => client.on('error', () => undefined));
  return { db: new Kysely<Schema>({ dialect: new PostgresDialect({ pool }) }), pool };
}
