import { expect, test } from 'vitest';
import { useTestApi } from '../../test/fixtures/test-api.ts';

const api = useTestApi();

test('a running process is live, whatever it can reach', async () => {
  const answer = await api.app.inject('/health/live');
  expect([answer.statusCode, answer.json()]).toEqual([200, { status: 'live' }]);
});

test('a process is not ready while Temporal is unreachable, and names the missing part', async () => {
  const answer = await api.app.inject('/health/ready');
  expect(answer.statusCode).toBe(503);
  expect(answer.json()).toEqual({ status: 'not_ready', database: 'ok', temporal: 'unreachable' });
});

test('an unknown path answers with a problem', async () => {
  const answer = await api.app.inject('/nothing/here');
  expect(answer.statusCode).toBe(404);
  expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/);
  expect(answer.json()).toMatchObject({ type: 'about:blank', title: 'Not Found', code: 'not_found' });
});

test('the API reference and the OpenAPI document are served', async () => {
  const [page, document] = await Promise.all([api.app.inject('/docs/'), api.app.inject('/openapi.json')]);
  expect(page.statusCode).toBe(200);
  expect(document.json().openapi).toBe('3.1.0');
});
