import { beforeEach, expect, test } from 'vitest';
import { createTestApp, type TestApp, useTestApi } from '../../test/fixtures/test-api.ts';

const api = useTestApi();
let app: TestApp;
beforeEach(async () => {
  app = await createTestApp(api);
});

const send = async (lines: readonly string[], query = '', role: 'operator' | 'marketer' = 'operator') => {
  const answer = await api.app.inject({
    method: 'POST',
    url: `/v1/devices/import${query}`,
    headers: { authorization: `Bearer ${app.keys[role]}`, 'content-type': 'text/csv' },
    payload: lines.join('\n'),
  });
  return { status: answer.statusCode, ...answer.json() };
};
const since = async (id: string) =>
  (await app.call('operator', 'GET', `/v1/devices/${id}`)).json().unsubscribedAt;
const HEAD = 'device_id,platform,unsubscribed';
const token = (n: number) => n.toString(16).padStart(64, '0');

test.each([
  'TRUE',
  'True',
  '1',
  '1.0',
  'yes',
  'Y',
  'WAHR',
  'Ja',
  'vrai',
  'sí',
  '是',
  'Opted out',
  'unsubscribed',
  '2026-10-01',
])('%s is an opt-out', async (word) => {
  expect(await send([HEAD, `d1,ios,${word}`])).toMatchObject({ imported: 1 });
  expect(await since('d1')).not.toBeNull();
});

test.each([
  '',
  'false',
  'FALSE',
  '0',
  'no',
  'FALSCH',
  'subscribed',
])('an import with %j does not lift an opt-out', async (word) => {
  await send([HEAD, 'd1,ios,true']);
  const before = await since('d1');
  api.clock.advance(60_000);
  const answer = await send([HEAD, `d1,ios,${word}`]);
  expect(answer).toMatchObject({ updated: 1, optOutsKept: word === '' ? 0 : 1, resubscribed: 0 });
  expect(await since('d1')).toBe(before);
});

test('resubscribe=true lifts opt-outs, for operators alone, counted and in the audit', async () => {
  await send([HEAD, 'd1,ios,true', 'd2,ios,true', 'd3,ios,false']);
  expect(await send([HEAD, 'd1,ios,false'], '?resubscribe=true', 'marketer')).toMatchObject({ status: 403 });
  expect(await since('d1')).not.toBeNull();
  const answer = await send([HEAD, 'd1,ios,false', 'd2,ios,', 'd3,ios,false'], '?resubscribe=true');
  expect(answer).toMatchObject({ resubscribed: 1, optOutsKept: 0 });
  expect(await since('d1')).toBeNull();
  expect(await since('d2')).not.toBeNull();
  const { items } = (await app.call('operator', 'GET', '/v1/audit')).json();
  expect(items.map(({ detail }: { detail: string }) => detail).join()).toContain('resubscribed: 1');
});

test('an opt-out in an earlier row of a device counts, and so does one in another column', async () => {
  await send(['device_id,platform,unsubscribed,user_id', 'd1,ios,TRUE,', 'd1,ios,,u1', 'd1,ios,false,u2']);
  expect(await since('d1')).not.toBeNull();
  await send(['device_id,platform,Opt-In', 'd2,ios,no', 'd3,ios,yes']);
  expect(await since('d2')).not.toBeNull();
  expect(await since('d3')).toBeNull();
  await send(['device_id,platform,unsubscribed,unsubscribed_at', 'd4,ios,false,2026-01-05']);
  expect(await since('d4')).toBe('2026-01-05T00:00:00.000Z');
});

test('another device ID with the token of a phone that opted out stays without messages', async () => {
  await send(['device_id,platform,token,unsubscribed', `d1,ios,${token(1)},true`]);
  await send(['device_id,platform,token', `new,ios,${token(1)}`, `other,ios,${token(2)}`]);
  expect(await since('new')).not.toBeNull();
  expect(await since('other')).toBeNull();
  await send(['device_id,platform,token,unsubscribed', `old,ios,${token(3)},true`, `newer,ios,${token(3)},`]);
  expect(await since('newer')).not.toBeNull();
});
