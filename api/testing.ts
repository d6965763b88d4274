import { randomBytes } from 'node:crypto';
import type { InjectOptions } from 'fastify';
import { pino } from 'pino';
import { afterAll, beforeAll } from 'vitest';
import type { Role } from '../domain/role.ts';
import { createMac } from '../security/message-mac.ts';
import { createVault } from '../security/vault.ts';
import { createTestDatabase } from '../test/setup/database.ts';
import { fixture } from '../test/setup/fixture.ts';
import { buildApp } from './app.ts';
import type { ApiDeps, App } from './deps.ts';
import { openTemporal } from './temporal.ts';

export const ADMIN_KEY = 'admin-key-of-the-tests-0123456789abcdef';

/** Where the clock of every test API starts. Tests compute dates from it, never from the machine's date. */
export const TEST_START = new Date('2026-11-22T08:00:00.000Z');

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
    temporal: openTemporal({ address: '127.0.0.1:1' }),
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

/** For the top of a test file: `startTestApi` while its tests run. */
export function useTestApi(overrides?: Partial<ApiDeps>): TestApi {
  const api = fixture(beforeAll, () => startTestApi(overrides));
  afterAll(() => api.stop());
  return api;
}

/** For the top of a test file: where that API listens, for requests over a socket. */
export function useServer(api: TestApi): { readonly url: string; readonly port: number } {
  return fixture(beforeAll, async () => {
    const url = await api.app.listen({ host: '127.0.0.1', port: 0 });
    return { url, port: Number(new URL(url).port) };
  });
}

function testClock(): TestClock {
  const clock: TestClock = {
    now: new Date(TEST_START),
    advance: (ms) => {
      clock.now = new Date(clock.now.getTime() + ms);
    },
  };
  return clock;
}

export interface TestApp {
  readonly appId: string;
  /** Each role's key. */
  readonly keys: Readonly<Record<Role | 'sdk', string>>;
  /** A JSON request with a key of this app. */
  call(who: Role | 'sdk', method: Method, url: string, body?: object, headers?: Headers): Promise<Answer>;
}
type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
type Headers = Record<string, string>;
type Answer = Awaited<ReturnType<typeof inject>>;

/** An app with a key of each kind, made over HTTP as an administrator does. */
export async function createTestApp(api: TestApi, settings: object = {}): Promise<TestApp> {
  const make = async (url: string, payload: object) => {
    const headers = { authorization: `Bearer ${ADMIN_KEY}` };
    const answer = await inject(api, { method: 'POST', url, payload, headers });
    if (answer.statusCode !== 201) throw new Error(answer.body);
    return answer.json();
  };
  const { id: appId } = await make('/v1/apps', { name: 'Test', timeZone: 'Europe/Berlin', ...settings });
  const keyOf = async (role: Role): Promise<string> =>
    (await make(`/v1/apps/${appId}/keys`, { role, name: `The ${role}` })).key;
  const keys = {
    marketer: await keyOf('marketer'),
    approver: await keyOf('approver'),
    operator: await keyOf('operator'),
    sdk: (await make(`/v1/apps/${appId}/keys`, { role: 'sdk' })).key as string,
  };
  return {
    appId,
    keys,
    call: (who, method, url, payload, headers = {}) =>
      inject(api, {
        method,
        url,
        headers: { authorization: `Bearer ${keys[who]}`, ...headers },
        ...(payload === undefined ? {} : { payload }),
      }),
  };
}

function inject(api: TestApi, request: InjectOptions) {
  return api.app.inject(request);
}
