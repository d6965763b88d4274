import { randomBytes } from 'node:crypto';
import { Client, Connection } from '@temporalio/client';
import { pino } from 'pino';
import { createMac, createVault } from '../keys.ts';
import { createTestDatabase } from '../test/setup/database.ts';
import { type App, buildApp } from './app.ts';
import type { ApiDeps } from './deps.ts';

export const ADMIN_KEY = 'admin-key-of-the-tests-0123456789abcdef';

export interface TestApi {
  readonly app: App;
  readonly deps: ApiDeps;
  readonly clock: TestClock;
  stop(): Promise<void>;
}

export interface TestClock {
  now: Date;
  advance(ms: number): void;
}

/** The API on a database of its own. Temporal is not reachable unless the test hands over a client. */
export async function startTestApi(overrides: Partial<ApiDeps> = {}): Promise<TestApi> {
  const database = await createTestDatabase();
  const signingKey = randomBytes(32);
  const clock = testClock();
  const deps: ApiDeps = {
    db: database.db,
    pool: database.pool,
    temporal: new Client({ connection: Connection.lazy({ address: '127.0.0.1:1' }) }),
    clock: async () => new Date(clock.now),
    messageMac: createMac(signingKey, 'message-id'),
    approvalMac: createMac(signingKey, 'approval'),
    vault: createVault(randomBytes(32)),
    config: { adminKey: ADMIN_KEY, requestsPerMinute: 100_000 },
    log: pino({ level: 'silent' }),
    ...overrides,
  };
  const app = await buildApp(deps);
  const stop = async () => {
    await app.close();
    await database.drop();
  };
  return { app, deps, clock, stop };
}

function testClock(): TestClock {
  const clock: TestClock = {
    now: new Date('2026-11-22T08:00:00.000Z'),
    advance: (ms) => {
      clock.now = new Date(clock.now.getTime() + ms);
    },
  };
  return clock;
}
