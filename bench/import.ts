import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createDevCredentials } from '../dev/simulators/credentials.ts';
import { type Product, startProduct } from '../dev/stack/product.ts';
import { createSampleApp } from '../dev/stack/sample-app.ts';
import { type Stack, startStack } from '../dev/stack/stack.ts';
import { writeBadCsv, writeCopy, writeCsv } from './import/files.ts';
import { copyBare, importFile, type Measured } from './import/measure.ts';
import type { BenchOptions } from './lib/options.ts';
import { type Figures, round, say } from './lib/report.ts';

const ROWS = 1_000_000;
/** Memory is flat when ten times the rows need no more. */
const FEWER = 10;

interface Parts {
  readonly stack: Stack;
  readonly product: Product;
  readonly folder: string;
}

/** An import over HTTP against a COPY of the same rows into the same table, with all of its indexes. */
export async function importing(options: BenchOptions): Promise<Figures> {
  const rows = options.devices ?? ROWS;
  const folder = await mkdtemp(join(tmpdir(), 'signalbox-import-'));
  say('Starting Postgres and the API …');
  const stack = await startStack({ keep: false, ui: false, temporal: 'dev' });
  try {
    const profile =
      options.profile === undefined ? {} : { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${options.profile}` };
    const product = await startProduct({ stack, workers: [], env: profile });
    try {
      const parts = { stack, product, folder };
      return options.bad ? await measureBad(parts, rows) : await measure(parts, rows);
    } finally {
      await product.stop();
    }
  } finally {
    await stack.stop();
    await rm(folder, { recursive: true });
  }
}

async function measure(parts: Parts, rows: number): Promise<Figures> {
  // The first run warms the process up, whose memory still grows.
  await ours(parts, Math.round(rows / FEWER), 'warm');
  const few = await ours(parts, Math.round(rows / FEWER), 'a');
  const bare = [await copied(parts, rows, 'b')];
  const many = await ours(parts, rows, 'c');
  bare.push(await copied(parts, rows, 'd'));
  const barePerS = Math.max(...bare.map(({ perS }) => perS));
  return {
    rows,
    oursPerS: round(many.perS, 0),
    barePerS: round(barePerS, 0),
    ratio: round(many.perS / barePerS),
    bareRunsPerS: bare.map(({ perS }) => round(perS, 0)),
    apiCpuUsPerRow: round((many.apiCpuMs * 1000) / rows, 1),
    peakRssMb: { [Math.round(rows / FEWER)]: round(few.peakRssMb, 0), [rows]: round(many.peakRssMb, 0) },
  };
}

const MB_OF_BAD_ROWS = 100;

/** Bad rows must not grow the process: the peak of many is compared with that of a tenth of them. */
async function measureBad(parts: Parts, rows: number): Promise<Figures> {
  await ours(parts, Math.round(rows / FEWER), 'warm', writeBadCsv);
  const few = await ours(parts, Math.round(rows / FEWER), 'a', writeBadCsv);
  const many = await ours(parts, rows, 'c', writeBadCsv);
  const grownMb = many.peakRssMb - few.peakRssMb;
  if (grownMb > MB_OF_BAD_ROWS) throw new Error(`The process grew by ${Math.round(grownMb)} MB`);
  return {
    rows,
    oursPerS: round(many.perS, 0),
    peakRssMb: round(many.peakRssMb, 0),
    grownMb: round(grownMb, 0),
  };
}

async function ours({ stack, product, folder }: Parts, rows: number, salt: string, write = writeCsv) {
  const app = await newApp({ stack, product }, salt);
  const file = join(folder, `${salt}.csv`);
  const expected = await write(file, rows, salt);
  const apiPid = product.api.pid ?? 0;
  const key = app.keys.operator;
  const measured = await importFile({ apiUrl: product.apiUrl, key, file, rows, expected, apiPid });
  say(`Through the API: ${rows} rows in ${Math.round(measured.ms)} ms`);
  await rm(file);
  return measured;
}

async function copied({ stack, product, folder }: Parts, rows: number, salt: string): Promise<Measured> {
  const app = await newApp({ stack, product }, salt);
  const file = join(folder, `${salt}.copy`);
  await writeCopy(file, rows, salt, app.id);
  const measured = await copyBare(stack.databaseUrl, file, rows);
  say(`Bare COPY: ${rows} rows in ${Math.round(measured.ms)} ms`);
  await rm(file);
  return measured;
}

async function newApp({ stack, product }: Pick<Parts, 'stack' | 'product'>, name: string) {
  const { credentials } = createDevCredentials();
  return await createSampleApp({ apiUrl: product.apiUrl, adminKey: stack.env.ADMIN_KEY, credentials, name });
}
