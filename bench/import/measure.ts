import { createReadStream, statSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { Client } from 'pg';
import { from } from 'pg-copy-streams';
import { z } from 'zod';
import { cpuMsOfTree, peakRssMb } from '../lib/proc.ts';
import { type Expected, TABLE_COLUMNS } from './files.ts';

export interface Measured {
  readonly perS: number;
  readonly ms: number;
}

const Imported = z.object({ created: z.number(), badRows: z.number() });

/** Through the API, as a customer does: a file over HTTP, until the answer. */
export async function importFile(args: {
  apiUrl: string;
  key: string;
  file: string;
  rows: number;
  expected: Expected;
  apiPid: number;
}): Promise<Measured & { peakRssMb: number; apiCpuMs: number }> {
  const { apiPid, rows, expected } = args;
  // Linux resets the peak to the current resident size.
  writeFileSync(`/proc/${apiPid}/clear_refs`, '5');
  const cpu = cpuMsOfTree(apiPid);
  const startedAt = performance.now();
  const { created, badRows } = Imported.parse(JSON.parse(await post(args)));
  const ms = performance.now() - startedAt;
  if (created !== expected.created || badRows !== expected.badRows) {
    throw new Error(`${created} of ${expected.created} created, ${badRows} of ${expected.badRows} bad`);
  }
  return { ms, perS: (rows / ms) * 1000, peakRssMb: peakRssMb(apiPid), apiCpuMs: cpuMsOfTree(apiPid) - cpu };
}

async function post({ apiUrl, key, file }: { apiUrl: string; key: string; file: string }): Promise<string> {
  const sending = request(`${apiUrl}/v1/devices/import`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${key}`,
      'content-type': 'text/csv',
      'content-length': statSync(file).size,
    },
  });
  const answered = new Promise<string>((resolve, reject) => {
    sending.once('error', reject);
    sending.once('response', (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk) => {
        text += chunk;
      });
      response.once('end', () =>
        response.statusCode === 200 ? resolve(text) : reject(new Error(`${response.statusCode} ${text}`)),
      );
    });
  });
  await pipeline(createReadStream(file), sending);
  return await answered;
}

/** The time of the database alone: one COPY of prepared rows on one connection. */
export async function copyBare(databaseUrl: string, file: string, rows: number): Promise<Measured> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const startedAt = performance.now();
    const stream = client.query(from(`copy devices (${TABLE_COLUMNS}) from stdin`));
    await pipeline(createReadStream(file), stream);
    const ms = performance.now() - startedAt;
    if (stream.rowCount !== rows) throw new Error(`${stream.rowCount} of ${rows} copied`);
    return { ms, perS: (rows / ms) * 1000 };
  } finally {
    await client.end();
  }
}
