import { afterEach, expect, test } from 'vitest';
import { newTask, openShop } from '../test/fixtures/shop-fixture.ts';
import { ADMIN_KEY, startTestApi, type TestApi } from '../test/fixtures/test-api.ts';
import type { ApiConfig } from './http/deps.ts';

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

async function start(config: Partial<ApiConfig>): Promise<TestApi> {
  const api = await startTestApi({ config: { adminKey: ADMIN_KEY, requestsPerMinute: 1_000, ...config } });
  cleanups.push(api.stop);
  return api;
}

/** The status of the second of two requests that a proxy forwards from different addresses. */
async function secondAnswer(api: TestApi, proxy: string): Promise<number> {
  const ask = (client: string) =>
    api.app.inject({ url: '/nowhere', remoteAddress: proxy, headers: { 'x-forwarded-for': client } });
  await ask('203.0.113.1');
  return (await ask('203.0.113.2')).statusCode;
}

test('a forwarded address is trusted from the configured proxies, and from nobody else', async () => {
  const behindProxy = await start({ requestsPerMinute: 1, trustProxy: ['10.0.0.0/8'] });
  expect(await secondAnswer(behindProxy, '10.1.2.3')).toBe(404);
  expect(await secondAnswer(behindProxy, '192.0.2.1')).toBe(429);
  const open = await start({ requestsPerMinute: 1 });
  expect(await secondAnswer(open, '10.1.2.3')).toBe(429);
});

test('a task links to its workflow once the task is submitted', async () => {
  const api = await start({ temporalUiUrl: 'https://temporal.example' });
  const shop = await openShop(api);
  const { body } = await shop.marketer.call('POST', '/v1/tasks', newTask(shop));
  expect(body['workflowUrl']).toBeNull();
  const id = `${body['id']}`;
  await api.deps.db.updateTable('tasks').set({ submission: 1 }).where('id', '=', id).execute();
  const submitted = await shop.marketer.call('GET', `/v1/tasks/${id}`);
  expect(submitted.body['workflowUrl']).toBe(`https://temporal.example/namespaces/default/workflows/${id}`);
});
