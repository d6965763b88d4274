import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { callInProcess } from '../lib/child.ts';
import { round, say } from '../lib/report.ts';
import type { Rig } from '../lib/rig.ts';
import type { Target } from '../lib/target.ts';
import type { PeerInput, PeerRun } from './job.ts';
import { findRedis } from './redis.ts';

const BENCH = fileURLToPath(new URL('..', import.meta.url));
const PEERS = ['graphile-worker', 'pg-boss', 'bullmq'] as const;
const INSTALL_TIMEOUT_MS = 180_000;

type Peer = (typeof PEERS)[number];

const isInstalled = (peer: Peer) => existsSync(`${BENCH}node_modules/${peer}/package.json`);

/**
 * Installs the versions of the lockfile without the optional packages. Each of those is for one kind of
 * processor, no lockfile holds them for all, which `npm ci` would refuse, and each has a slower replacement
 * in JavaScript.
 */
async function install(): Promise<void> {
  if (PEERS.every(isInstalled)) return;
  say('Installing the peers: npm install --prefix bench …');
  const args = ['install', '--prefix', BENCH, '--no-save', '--omit=optional', '--no-audit', '--no-fund'];
  await promisify(execFile)('npm', args, { timeout: INSTALL_TIMEOUT_MS }).catch((error: Error) =>
    say(`The installation failed: ${error.message}`),
  );
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
  /** Jobs per second end to end, from putting them in to working them off. */
  readonly perS: Readonly<Record<string, number>>;
  readonly parts: Readonly<Record<string, PeerRun>>;
  readonly absent: Readonly<Record<string, string>>;
}

/** One job per device, on the same Postgres server and to the same simulators, one peer after the other. */
export async function runPeers(rig: Rig, target: Target, count: number): Promise<Peers> {
  await install();
  const redis = await findRedis(rig.stack.dataDir);
  const redisUrl = 'url' in redis ? redis.url : '';
  const perS: Record<string, number> = {};
  const parts: Record<string, PeerRun> = {};
  const absent: Record<string, string> = {};
  try {
    for (const peer of PEERS) {
      const reason = isInstalled(peer) ? undefined : 'not installed';
      const missing = reason ?? (peer === 'bullmq' && 'absent' in redis ? redis.absent : undefined);
      if (missing !== undefined) {
        absent[peer] = missing;
        say(`${peer} is left out: ${missing}`);
        continue;
      }
      say(`${peer}: ${count} jobs …`);
      try {
        const { enqueueMs, processMs } = await runPeer(rig, peer, { target, redisUrl, count });
        parts[peer] = { enqueueMs: round(enqueueMs, 0), processMs: round(processMs, 0) };
        perS[peer] = round((count / (enqueueMs + processMs)) * 1000, 0);
      } catch (error) {
        // A peer's failure does not discard the product's figures.
        absent[peer] = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
        say(`${peer} failed: ${absent[peer]}`);
      }
    }
  } finally {
    if ('stop' in redis) await redis.stop();
  }
  return { perS, parts, absent };
}

async function runPeer(rig: Rig, peer: Peer, input: Omit<PeerInput, 'databaseUrl'>): Promise<PeerRun> {
  const databaseUrl = await createDatabase(rig, `peer-${peer}`);
  return await callInProcess<PeerInput, PeerRun>(new URL(`./${peer}.ts`, import.meta.url), {
    ...input,
    databaseUrl,
  });
}
