import { beforeAll, expect, test } from 'vitest';
import { ADMIN_KEY, createTestApp, useTestApi } from '../../test/fixtures/test-api.ts';
import { fixture } from '../../test/setup/fixture.ts';

const api = useTestApi();
const app = fixture(beforeAll, () => createTestApp(api));

const admin = { authorization: `Bearer ${ADMIN_KEY}` };
const create = (payload: object, headers: Record<string, string> = admin) =>
  api.app.inject({ method: 'POST', url: '/v1/apps', payload, headers });

test('an app is created with the safe settings, and read by any person of it', async () => {
  const made = await create({ name: 'Shop', timeZone: 'Asia/Shanghai' });
  expect(made.statusCode).toBe(201);
  expect(made.json()).toMatchObject({
    name: 'Shop',
    timeZone: 'Asia/Shanghai',
    signalApproval: 'code',
    makerMayApprove: false,
    approverRoles: ['approver'],
    approvalsRequired: 1,
    stop: null,
    createdAt: '2026-11-22T08:00:00.000Z',
  });
  for (const role of ['marketer', 'approver', 'operator'] as const) {
    expect((await app.call(role, 'GET', '/v1/app')).json()).toMatchObject({ id: app.appId });
  }
});

test('every fault of a request is listed at once, unknown fields one by one', async () => {
  const answer = await create({ name: '', timeZone: 'Mars/Base', approvalsRequired: 9, a: 1, b: 2 });
  expect(answer.statusCode).toBe(400);
  expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/);
  expect(answer.json()).toMatchObject({ code: 'invalid_request', title: 'Bad Request', status: 400 });
  const places = answer.json().errors.map((error: { pointer: string }) => error.pointer);
  expect(places.toSorted()).toEqual(['/a', '/approvalsRequired', '/b', '/name', '/timeZone']);
});

test.each([
  ['a wrong type', { name: 5, timeZone: 'UTC' }, '/name'],
  ['a NUL character', { name: 'a\0b', timeZone: 'UTC' }, '/name'],
  ['a lone surrogate', { name: 'a\ud800', timeZone: 'UTC' }, '/name'],
  ['an offset instead of a time zone', { name: 'a', timeZone: '+08:00' }, '/timeZone'],
  ['a missing time zone', { name: 'a' }, '/timeZone'],
])('%s is refused with its place', async (_what, body, pointer) => {
  expect((await create(body)).json()).toMatchObject({ status: 400, errors: [{ pointer }] });
});

test('only the administrator makes apps and keys', async () => {
  const nobody = await create({ name: 'Shop', timeZone: 'UTC' }, {});
  expect([nobody.statusCode, nobody.headers['www-authenticate']]).toEqual([401, 'Bearer']);
  const operator = { authorization: `Bearer ${app.keys.operator}` };
  expect((await create({ name: 'Shop', timeZone: 'UTC' }, operator)).statusCode).toBe(401);
});

test('an operator changes the settings of the app, and nobody else does', async () => {
  const changed = await app.call('operator', 'PATCH', '/v1/app', { approvalsRequired: 2, name: 'Renamed' });
  expect(changed.json()).toMatchObject({ approvalsRequired: 2, name: 'Renamed', timeZone: 'Europe/Berlin' });
  expect((await app.call('operator', 'PATCH', '/v1/app', {})).json()).toMatchObject({ name: 'Renamed' });
  for (const who of ['marketer', 'approver', 'sdk'] as const) {
    const refused = await app.call(who, 'PATCH', '/v1/app', { approvalsRequired: 1 });
    expect([refused.statusCode, refused.json().code]).toEqual([403, 'forbidden']);
  }
});

test('approver roles must be distinct, and at least one', async () => {
  const set = (approverRoles: unknown) => app.call('operator', 'PATCH', '/v1/app', { approverRoles });
  for (const bad of [[], ['approver', 'approver'], ['sdk'], 'approver', null]) {
    expect((await set(bad)).json()).toMatchObject({ status: 400, code: 'invalid_request' });
  }
  expect((await set(['operator', 'approver'])).json()).toMatchObject({
    approverRoles: ['operator', 'approver'],
  });
});

test.each([
  ['broken JSON', '{"name":', 400, 'invalid_json'],
  ['no body at all', '', 400, 'invalid_request'],
])('%s is a problem of the request, not of the server', async (_what, payload, status, code) => {
  const headers = { ...admin, 'content-type': 'application/json' };
  const answer = await api.app.inject({ method: 'POST', url: '/v1/apps', payload, headers });
  expect([answer.statusCode, answer.json().code]).toEqual([status, code]);
});

test('another media type is refused', async () => {
  const headers = { ...admin, 'content-type': 'application/xml' };
  const answer = await api.app.inject({ method: 'POST', url: '/v1/apps', payload: '<a/>', headers });
  expect([answer.statusCode, answer.json().code]).toEqual([415, 'unsupported_media_type']);
});
