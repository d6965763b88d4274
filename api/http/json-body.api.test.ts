import { beforeAll, expect, test } from 'vitest';
import { createTestApp, useTestApi } from '../../test/fixtures/test-api.ts';
import { fixture } from '../../test/setup/fixture.ts';

const api = useTestApi();
const app = fixture(beforeAll, () => createTestApp(api));

const post = (role: 'sdk' | 'operator' | 'marketer', url: string, payload: string) =>
  api.app.inject({
    method: 'POST',
    url,
    payload,
    headers: { authorization: `Bearer ${app.keys[role]}`, 'content-type': 'application/json' },
  });

test.each([
  '1610521604143693812',
  '1e400',
  '-9007199254740993',
  '0.1234567890123456789',
])('the attribute %s is refused with its place', async (number) => {
  const answer = await post(
    'sdk',
    '/v1/devices',
    `{"deviceId":"n-1","platform":"ios","attributes":{"order/id":${number}}}`,
  );
  expect(answer.statusCode).toBe(400);
  expect(answer.json().errors).toEqual([
    { pointer: '/attributes/order~1id', detail: expect.stringContaining('send it as text') },
  ]);
});

test('an event with such a number is refused alone, and names the property', async () => {
  const at = '2026-11-22T07:59:00Z';
  const events = ['1', '1610521604143693812', '1e400'].map(
    (number, index) =>
      `{"id":"e${index}","name":"paid","at":"${at}","userId":"u","properties":{"order": ${number}}}`,
  );
  const answer = await post('operator', '/v1/events', `{"events":[${events}]}`);
  expect(answer.statusCode).toBe(200);
  expect(answer.json()).toMatchObject({
    accepted: 1,
    results: [
      { index: 0, result: 'counted' },
      { index: 1, error: expect.stringMatching(/^properties\.order: .*send it as text/) },
      { index: 2, error: expect.stringContaining('send it as text') },
    ],
  });
});

test('a number elsewhere is refused with its place, and a broken body is no JSON', async () => {
  const task = '{"name":"t","content":{"variables":{"n":{"default":12345678901234567890}}}}';
  const pointer = '/content/variables/n/default';
  expect((await post('marketer', '/v1/tasks', task)).json().errors).toMatchObject([{ pointer }]);
  expect((await post('marketer', '/v1/tasks', '{"n": 1e400')).json().code).toBe('invalid_json');
  expect((await post('marketer', '/v1/tasks', '{"__proto__":{"n":1e400}}')).json().code).toBe('invalid_json');
});
