import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { callInProcess } from '../lib/child.ts';
import { round, say } from '../lib/report.ts';
import type { Rig } from '../lib/rig.ts';
import type { Target } from '../lib/target.ts';
import type { PeerInput, PeerResult } from './job.ts';

const BENCH = fileURLToPath(new URL('..', import.meta.url));
const PEERS = ['graphile-worker', 'pg-boss', 'bullmq'] as const;
const INSTALL_TIMEOUT_MS = 180_000;
const REDIS_TIMEOUT_MS = 1_000;

type Peer = (typeof PEERS)[number];

const isInstalled = (peer: Peer) => existsSync(`${BENCH}node_modules/${peer}/package.json`);

async function install(): Promise<void> {
  if (isInstalled('graphile-worker') && isInstalled('pg-boss')) return;
  say('Installing the peers: npm ci --prefix bench …');
  const args = ['ci', '--prefix', BENCH, '--no-audit', '--no-fund'];
  await promisify(execFile)('npm', args, { timeout: INSTALL_TIMEOUT_MS }).catch((error: Error) =>
    say(`That did not work: ${error.message}`),
  );
}

/** BullMQ has parts that no lockfile can hold for every platform: who wants it installs it by hand. */
async function whyAbsent(peer: Peer, redisUrl: URL): Promise<string | undefined> {
  if (!isInstalled(peer))
    return peer === 'bullmq' ? 'npm install --prefix bench --no-save bullmq ioredis' : 'not installed';
  if (peer === 'bullmq' && !(await listens(redisUrl))) return `no Redis at ${redisUrl.host} (REDIS_URL)`;
  return undefined;
}

async function listens(url: URL): Promise<boolean> {
  const socket = connect({ host: url.hostname, port: Number(url.port || 6379), timeout: REDIS_TIMEOUT_MS });
  return await new Promise((resolve) => {
    const answer = (isThere: boolean) => () => {
      socket.destroy();
      resolve(isThere);
    };
    socket.once('connect', answer(true)).once('error', answer(false)).once('timeout', answer(false));
  });
}

async function createDatabase(rig: Rig, name: string): Promise<string> {
  const client = new Client({ connectionString: rig.stack.postgres.url() });
  await client.connect();
  try {
    await client.query(`create database ${client.escapeIdentifier(name)}`);
  } finally {
    await client.end();
  }
  return rig.stack.postgres.url(name);
}

export interface Peers {
  /** End to end: putting the jobs in and working them off. */
  readonly perS: Readonly<Record<string, number>>;
  readonly parts: Readonly<Record<string, PeerResult>>;
  readonly absent: Readonly<Record<string, string>>;
}

/** One job per device, on the same Postgres server and to the same simulators, one peer after the other. */
export async function runPeers(rig: Rig, target: Target, count: number): Promise<Peers> {
  await install();
  const redisUrl = new URL(process.env['REDIS_URL'] ?? 'redis://127.0.0.1:6379');
  const perS: Record<string, number> = {};
  const parts: Record<string, PeerResult> = {};
  const absent: Record<string, string> = {};
  for (const peer of PEERS) {
    const reason = await whyAbsent(peer, redisUrl);
    if (reason !== undefined) {
      absent[peer] = reason;
      say(`${peer} is left out: ${reason}`);
      continue;
    }
    say(`${peer}: ${count} jobs …`);
    const databaseUrl = await createDatabase(rig, `peer-${peer}`);
    const input: PeerInput = { target, databaseUrl, redisUrl: redisUrl.href, count };
    try {
      const result: PeerResult = await callInProcess(new URL(`./${peer}.ts`, import.meta.url), input);
      parts[peer] = { enqueueMs: round(result.enqueueMs, 0), processMs: round(result.processMs, 0) };
      perS[peer] = round((count / (result.enqueueMs + result.processMs)) * 1000, 0);
    } catch (error) {
      // What the product reached stands, whatever a peer does.
      absent[peer] = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
      say(`${peer} failed: ${absent[peer]}`);
    }
  }
  return { perS, parts, absent };
}
