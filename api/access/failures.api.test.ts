import { pino } from 'pino';
import { afterAll, afterEach, expect, test, vi } from 'vitest';
import { openDatabase } from '../../db/core/database.ts';
import { createTestApp, startTestApi, type TestApi } from '../../test/fixtures/test-api.ts';
import { isUnavailable } from '../http/problem-handler.ts';
import { openTemporal } from '../http/temporal.ts';

const opened: TestApi[] = [];
async function start(overrides: Parameters<typeof startTestApi>[0] = {}): Promise<TestApi> {
  const api = await startTestApi(overrides);
  opened.push(api);
  return api;
}
afterEach(() => vi.useRealTimers());
afterAll(() => Promise.all(opened.map((api) => api.stop())));

test('an unreachable Postgres gives 503 with Retry-After', async () => {
  const { db, pool } = openDatabase('postgres://nobody@127.0.0.1:1/nothing');
  const api = await start({ db, pool });
  const answer = await api.app.inject({ url: '/v1/app', headers: { authorization: 'Bearer sbk_any' } });
  expect([answer.statusCode, answer.json().code]).toEqual([503, 'unavailable']);
  expect(answer.headers['retry-after']).toBe('2');
  await db.destroy();
});

test('the text of an unforeseen error stays in the log, with the ID that the caller sees', async () => {
  const lines: string[] = [];
  const log = pino({ level: 'error' }, { write: (line: string) => lines.push(line) });
  const clock = async () => {
    throw new Error('the secret cause');
  };
  const api = await start({ clock, log });
  const answer = await api.app.inject({
    method: 'POST',
    url: '/v1/apps',
    payload: { name: 'a', timeZone: 'UTC' },
    headers: { authorization: `Bearer ${api.deps.config.adminKey}` },
  });
  expect([answer.statusCode, answer.json().code]).toEqual([500, 'internal']);
  expect(answer.body).not.toContain('secret cause');
  expect(lines.join()).toContain('the secret cause');
  expect(lines.join()).toContain(answer.json().instance);
});

test('no key and no token ever reaches the log', async () => {
  const lines: string[] = [];
  const log = pino({ level: 'trace' }, { write: (line: string) => lines.push(line) });
  const api = await start({ log });
  const app = await createTestApp(api);
  const token = 'ab'.repeat(32);
  const made = await app.call('sdk', 'POST', '/v1/devices', { deviceId: 'd', platform: 'ios', token });
  expect(lines.length).toBeGreaterThan(0);
  for (const secret of [...Object.values(app.keys), token, made.json().secret, api.deps.config.adminKey]) {
    expect(lines.join()).not.toContain(secret);
  }
});

test('a key beyond its rate limit gets 429 with Retry-After, and other keys are served', async () => {
  const api = await start({ config: { adminKey: 'a'.repeat(40), requestsPerMinute: 20 } });
  const headers = { authorization: `Bearer ${'a'.repeat(40)}` };
  const ask = () => api.app.inject({ method: 'POST', url: '/v1/apps', payload: {}, headers });
  const answers = [];
  for (let i = 0; i < 21; i++) answers.push(await ask());
  const last = answers.at(-1);
  expect([last?.statusCode, last?.json().code]).toEqual([429, 'rate_limited']);
  expect(Number(last?.headers['retry-after'])).toBeGreaterThan(0);
  expect(answers.slice(0, 20).every((answer) => answer.statusCode === 400)).toBe(true);
});

test('an unreachable Temporal gives 503, not 500', async () => {
  const client = openTemporal({ address: '127.0.0.1:1' });
  const error = await client.workflow
    .start('none', { taskQueue: 'none', workflowId: 'none' })
    .catch((e) => e);
  expect(isUnavailable(error)).toBe(true);
  await client.connection.close();
});

/** The guards cache the owner of a key for 3 s. */
const LONGER_THAN_THE_CACHE_MS = 10_000;

test('an address that guesses keys is refused, while keys known to be valid are served', async () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  const api = await start();
  const app = await createTestApp(api);
  const guess = (i: number) =>
    api.app.inject({ url: '/v1/app', headers: { authorization: `Bearer sbk_guess${i}` } });
  expect((await app.call('marketer', 'GET', '/v1/app')).statusCode).toBe(200);
  for (let i = 0; i < 300; i++) expect((await guess(i)).statusCode).toBe(401);
  const stopped = await guess(300);
  expect([stopped.statusCode, stopped.json().code]).toEqual([429, 'rate_limited']);
  expect((await app.call('marketer', 'GET', '/v1/app')).statusCode).toBe(200);
  vi.advanceTimersByTime(LONGER_THAN_THE_CACHE_MS);
  expect((await app.call('marketer', 'GET', '/v1/app')).statusCode).toBe(200);
  expect((await guess(301)).statusCode).toBe(429);
});
