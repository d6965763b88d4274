import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Pool, PoolClient } from 'pg';
import { from } from 'pg-copy-streams';

/** Runs one transaction on a connection of its own. The connection is closed after an error, not reused. */
export async function withCopyClient<Result>(
  pool: Pool,
  work: (client: PoolClient) => Promise<Result>,
): Promise<Result> {
  const client = await pool.connect();
  let fault: unknown;
  try {
    await client.query('begin');
    const result = await work(client);
    await client.query('commit');
    return result;
  } catch (error) {
    fault = error;
    throw error;
  } finally {
    client.release(fault !== undefined);
  }
}

/** Streams chunks into a table. Each chunk is one or more lines in the text format of COPY. */
export async function copyInto(
  client: PoolClient,
  target: string,
  chunks: AsyncIterable<string>,
): Promise<number> {
  const stream = client.query(from(`copy ${target} from stdin`));
  await pipeline(Readable.from(chunks, { objectMode: true, highWaterMark: 1 }), stream);
  return stream.rowCount;
}

const SPECIAL = /[\\\t\n\r]/;
const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' };

export function copyText(value: string | null | undefined): string {
  if (value === null || value === undefined) return '\\N';
  if (!SPECIAL.test(value)) return value;
  return value.replaceAll(/[\\\t\n\r]/g, (letter) => ESCAPES[letter] ?? letter);
}

/** An array literal, which still has to be escaped by `copyText`. */
export function arrayLiteral(values: readonly string[]): string {
  return `{${values.map((value) => `"${value.replaceAll(/["\\]/g, '\\$&')}"`).join(',')}}`;
}
