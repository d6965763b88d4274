import { beforeAll, expect, test } from 'vitest';
import { createTestApp, useTestApi } from '../../test/fixtures/test-api.ts';
import { fixture } from '../../test/setup/fixture.ts';

const api = useTestApi();
const app = fixture(beforeAll, () => createTestApp(api));

const ORIGIN = 'https://shop.example';
const preflight = (method: string, url: string) =>
  api.app.inject({
    method: 'OPTIONS',
    url,
    headers: {
      origin: ORIGIN,
      'access-control-request-method': method,
      'access-control-request-headers': 'authorization,content-type,x-device-secret',
    },
  });

test.each([
  ['POST', '/v1/devices'],
  ['PUT', '/v1/devices/some-device'],
  ['POST', '/v1/devices/some-device/unsubscribe'],
  ['DELETE', '/v1/devices/some-device/unsubscribe'],
  ['PUT', '/v1/devices/some-device/user'],
  ['POST', '/v1/receipts'],
  ['POST', '/v1/events'],
])('a page of any origin may %s %s', async (method, url) => {
  const { statusCode, headers } = await preflight(method, url);
  expect([statusCode, headers['access-control-allow-origin']]).toEqual([204, '*']);
  expect(headers['access-control-allow-methods']).toContain(method);
  expect(headers['access-control-allow-headers']).toContain('x-device-secret');
  expect(headers['access-control-allow-credentials']).toBeUndefined();
});

test.each([
  ['/v1/tasks', 405],
  ['/v1/apps', 405],
  ['/v1/devices/import', 405],
  ['/v1/devices/a/b/c', 404],
  ['/v1/receipts/x', 404],
  ['/nowhere', 404],
])('no page of another origin may call %s', async (url, status) => {
  const { statusCode, headers } = await preflight('POST', url);
  expect([statusCode, headers['access-control-allow-origin']]).toEqual([status, undefined]);
});

test('a page can read why it was refused, and for how long to wait', async () => {
  const headers = { origin: ORIGIN, authorization: 'Bearer sbk_revoked' };
  const answer = await api.app.inject({ method: 'POST', url: '/v1/receipts', headers, payload: {} });
  expect(answer.statusCode).toBe(401);
  expect(answer.headers['access-control-allow-origin']).toBe('*');
  expect(answer.headers['access-control-expose-headers']).toContain('retry-after');
});

test('answers to persons are readable by pages of the same origin only', async () => {
  const answer = await app.call('marketer', 'GET', '/v1/tasks', undefined, { origin: ORIGIN });
  expect(answer.statusCode).toBe(200);
  expect(answer.headers['access-control-allow-origin']).toBeUndefined();
});
