import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Pool } from 'pg';
import { pino } from 'pino';
import { buildApp } from '../../api/app.ts';
import type { App } from '../../api/http/deps.ts';
import { openTemporal } from '../../api/http/temporal.ts';
import { type Db, openDatabase } from '../../db/core/database.ts';
import { migrateToLatest } from '../../db/migrations/migrate.ts';
import { releaseDirectory, removeAtEnd } from '../../dev/stack/guard.ts';
import { startPostgres } from '../../dev/stack/postgres.ts';
import { createMac } from '../../security/message-mac.ts';
import { createVault } from '../../security/vault.ts';

export interface Stage {
  readonly db: Db;
  readonly pool: Pool;
  readonly app: App;
  readonly appId: string;
  /** The key of a person who may estimate. */
  readonly key: string;
  stop(): Promise<void>;
}

const ADMIN_KEY = randomBytes(32).toString('hex');

/** Postgres as the product starts it, and the API in this process, with one app. */
export async function openStage(now: () => Date): Promise<Stage> {
  const dataDir = mkdtempSync(join(tmpdir(), 'signalbox-segment-'));
  chmodSync(dataDir, 0o755);
  removeAtEnd(dataDir);
  const server = await startPostgres({ dataDir });
  await migrateToLatest(server.url());
  const { db, pool } = openDatabase(server.url());
  const signingKey = randomBytes(32);
  const app = await buildApp({
    db,
    pool,
    temporal: openTemporal({ address: '127.0.0.1:1' }),
    clock: async () => now(),
    messageMac: createMac(signingKey, 'message-id'),
    approvalMac: createMac(signingKey, 'approval'),
    vault: createVault(randomBytes(32)),
    config: { adminKey: ADMIN_KEY, requestsPerMinute: 1_000_000 },
    log: pino({ level: 'silent' }),
  });
  const make = async (url: string, payload: object) => {
    const headers = { authorization: `Bearer ${ADMIN_KEY}` };
    const answer = await app.inject({ method: 'POST', url, payload, headers });
    if (answer.statusCode !== 201) throw new Error(answer.body);
    return answer.json();
  };
  const { id: appId } = await make('/v1/apps', { name: 'Segment', timeZone: 'Europe/Berlin' });
  const { key } = await make(`/v1/apps/${appId}/keys`, { role: 'marketer', name: 'Bench' });
  const stop = async () => {
    await app.close();
    await db.destroy();
    await server.stop();
    rmSync(dataDir, { recursive: true, force: true });
    releaseDirectory(dataDir);
  };
  return { db, pool, app, appId, key, stop };
}
