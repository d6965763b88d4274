import fc from 'fast-check';
import { beforeEach, expect, test } from 'vitest';
import { createTestApp, type TestApp, useTestApi } from '../../test/fixtures/test-api.ts';

const api = useTestApi();
let app: TestApp;
beforeEach(async () => {
  app = await createTestApp(api);
});

const token = (n: number) => n.toString(16).padStart(64, '0');
async function send(payload: string | Buffer, type = 'text/csv', headers: Record<string, string> = {}) {
  return api.app.inject({
    method: 'POST',
    url: '/v1/devices/import',
    headers: { authorization: `Bearer ${app.keys.marketer}`, 'content-type': type, ...headers },
    payload,
  });
}
const importCsv = async (...lines: string[]) => (await send(lines.join('\n'))).json();
const read = async (id: string) => (await app.call('marketer', 'GET', `/v1/devices/${id}`)).json();
const storedIds = async () => {
  const query = api.deps.db.selectFrom('devices').select('device_id').where('app_id', '=', app.appId);
  return (await query.orderBy('device_id').execute()).map((row) => row.device_id);
};

test('devices are created, then updated; quotes, tags and attributes are understood', async () => {
  const file = [
    'device_id,platform,token,user_id,time_zone,locale,app_version,tags,attributes',
    `d1,ios,${token(1)},u1,Europe/Berlin,de-DE,1.0,vip;new,"{""plan"":""gold, yearly"",""age"":3}"`,
    `d2,android,${'x'.repeat(30)},u1,,,,,`,
    'd3,android,,,,,,,',
  ];
  expect(await importCsv(...file)).toEqual({
    rows: 3,
    imported: 3,
    created: 3,
    updated: 0,
    repeated: 0,
    repeatedLines: [],
    badRows: 0,
    reasons: {},
    errors: [],
    leftOut: {},
    warnings: [],
    ignoredColumns: [],
    optOutsKept: 0,
    resubscribed: 0,
    report: null,
  });
  expect(await read('d1')).toMatchObject({
    userId: 'u1',
    tokenState: 'active',
    tags: ['vip', 'new'],
    attributes: { plan: 'gold, yearly', age: 3 },
  });
  expect(await read('d3')).toMatchObject({ tokenState: 'none', userId: null, channel: 'fcm' });
  expect(await importCsv(...file)).toMatchObject({ created: 0, updated: 3 });
});

test('a column that the file lacks keeps its value, an empty field clears it', async () => {
  await importCsv('device_id,platform,token,time_zone,tags', `d1,ios,${token(1)},UTC,a;b`);
  await importCsv('device_id,platform,time_zone', 'd1,ios,');
  expect(await read('d1')).toMatchObject({ tokenState: 'active', tags: ['a', 'b'], timeZone: null });
});

test('every kind of bad row is reported with its line, and the good ones are imported', async () => {
  const head = 'device_id,platform,token,user_id,time_zone,locale,app_version,tags,attributes';
  const rows: [string | Buffer, string | null, string | null][] = [
    ['good1,ios,,,,,,,', null, null],
    [',ios,,,,,,,', 'device_id', 'missing'],
    ['d,symbian,,,,,,,', 'platform', 'unknown_platform'],
    ['d,web,no subscription,,,,,,', 'token', 'invalid_token'],
    ['d,ios,zz,,,,,,', 'token', 'invalid_token'],
    ['d,ios,"open,,,,,,', null, 'unbalanced_quotes'],
    ['good2,ios,,,,,,,', null, null],
    ['d,ios', null, 'wrong_number_of_fields'],
    [`d,ios,,,,,,${'t'.repeat(70_000)},`, null, 'line_too_long'],
    ['d,ios,,a\0b,,,,,', 'user_id', 'not_storable'],
    [
      Buffer.from([0x64, 0x2c, 0x69, 0x6f, 0x73, 0x2c, 0x2c, 0xff, 0x2c, 0x2c, 0x2c, 0x2c, 0x2c]),
      'user_id',
      'invalid_utf8',
    ],
    ['d d,ios,,,,,,,', 'device_id', 'invalid_id'],
    ['d,ios,,,,,,,{oops', 'attributes', 'invalid_json'],
    ['d,ios,,,,,,,"[""a""]"', 'attributes', 'invalid_attributes'],
    ['twice,ios,,first,,,,,', null, null],
    ['twice,ios,,last,,,,,', null, null],
    ['good3,ios,,,,,,,', null, null],
  ];
  const file = Buffer.concat(
    [head, ...rows.map(([row]) => row)].flatMap((row) => [Buffer.from(row), Buffer.from('\r\n')]),
  );
  const answer = (await send(file)).json();
  const expected = rows.flatMap(([, field, reason], i) =>
    reason === null ? [] : [{ line: i + 2, field, reason }],
  );
  expect(answer.errors).toEqual(expected);
  const counts = { rows: rows.length, imported: 4, badRows: expected.length };
  expect(answer).toMatchObject({ ...counts, repeated: 1, repeatedLines: [rows.length - 1] });
  expect(await storedIds()).toEqual(['good1', 'good2', 'good3', 'twice']);
  expect((await read('twice')).userId).toBe('last');
});

test('NDJSON is accepted, and a broken line costs only itself', async () => {
  const lines = [
    JSON.stringify({
      deviceId: 'd1',
      platform: 'android',
      tags: ['a'],
      attributes: { n: 1 },
      timeZone: 'UTC',
    }),
    '{"deviceId": "d2"',
    '[1]',
    JSON.stringify({ deviceId: 'd3', platform: 'ios', color: 'red' }),
    JSON.stringify({ deviceId: 4, platform: 'ios' }),
    JSON.stringify({ device_id: 'd5', platform: 'ios' }),
  ];
  const answer = (await send(lines.join('\n'), 'application/x-ndjson')).json();
  expect(answer.errors).toEqual([
    { line: 2, field: null, reason: 'invalid_json' },
    { line: 3, field: null, reason: 'not_an_object' },
    { line: 5, field: 'device_id', reason: 'not_text' },
  ]);
  expect(answer.ignoredColumns).toEqual(['color']);
  expect(await storedIds()).toEqual(['d1', 'd3', 'd5']);
});

test('a token goes to the last row that has it, in the file and in the app', async () => {
  await importCsv('device_id,platform,token', `a,ios,${token(1)}`, `b,ios,${token(2)}`);
  await importCsv('device_id,platform,token', `a,ios,${token(2)}`, `b,ios,${token(1)}`);
  expect([(await read('a')).tokenState, (await read('b')).tokenState]).toEqual(['active', 'active']);
  await importCsv('device_id,platform,token', `c,ios,${token(1)}`, `d,ios,${token(1)}`);
  const states = await Promise.all(['b', 'c', 'd'].map(async (id) => (await read(id)).tokenState));
  expect(states).toEqual(['replaced', 'replaced', 'active']);
});

test('a token that a push service rejected is not revived by an old list', async () => {
  await importCsv('device_id,platform,token', `a,ios,${token(1)}`);
  const { db } = api.deps;
  await db.updateTable('devices').set({ token_state: 'invalid' }).where('app_id', '=', app.appId).execute();
  await importCsv('device_id,platform,token', `a,ios,${token(1)}`);
  expect((await read('a')).tokenState).toBe('invalid');
  await importCsv('device_id,platform,token', `a,ios,${token(2)}`);
  expect((await read('a')).tokenState).toBe('active');
});

test.each([
  ['a column twice', 'device_id,platform,platform\n', 'the column platform appears twice'],
  ['a missing column', 'device_id\nd1', 'the column platform is missing; the header has "device_id"'],
  ['an empty file', '', 'is empty; send a header and rows'],
  ['a file without rows', 'device_id,platform\n', 'the file has no rows'],
])('%s in the header refuses the file', async (_what, file, detail) => {
  const answer = await send(file);
  expect(answer.statusCode).toBe(400);
  expect(answer.json().errors.map((fault: { detail: string }) => fault.detail)).toContain(detail);
});

test('approvers, SDKs and other media types are refused', async () => {
  expect((await app.call('approver', 'POST', '/v1/devices/import')).statusCode).toBe(403);
  expect((await app.call('sdk', 'POST', '/v1/devices/import')).statusCode).toBe(403);
  expect((await send('{}', 'application/json')).statusCode).toBe(415);
});

test('the same file is not imported twice under one Idempotency-Key', async () => {
  const key = { 'idempotency-key': 'import-0001' };
  const first = await send('device_id,platform\nd1,ios', 'text/csv', key);
  const again = await send('device_id,platform\nd1,ios', 'text/csv', key);
  expect(again.json()).toEqual(first.json());
  expect(again.json().created).toBe(1);
});

test('good rows are never lost, whatever stands between them', async () => {
  const junk = fc
    .string({ unit: 'binary', maxLength: 40 })
    .map((text) => `${text.replaceAll(/[\r\n]/g, '')},"`);
  const good = fc.integer({ min: 0, max: 40 }).map((n) => `g${n},ios`);
  await fc.assert(
    fc.asyncProperty(fc.array(fc.oneof(junk, good), { maxLength: 40 }), async (rows) => {
      app = await createTestApp(api);
      const answer = await importCsv('device_id,platform', ...rows);
      const ids = [...new Set(rows.filter((row) => /^g\d+,ios$/.test(row)).map((row) => row.slice(0, -4)))];
      expect(await storedIds()).toEqual(ids.toSorted());
      const isRefused = answer.code === 'invalid_request';
      expect(isRefused).toBe(ids.length === 0);
      if (isRefused) return;
      expect(answer.imported + answer.badRows + answer.repeated).toBe(answer.rows);
      expect(answer.rows).toBe(rows.length);
    }),
    { numRuns: 25 },
  );
});

test('a file sets identifiers, address kinds, unsubscription and last activity', async () => {
  const answer = await importCsv(
    'device_id,platform,token,address_kind,last_active_at,unsubscribed,idfa,oaid,custom_id',
    `d1,ios,${token(1)},,2026-11-01T08:00:00+08:00,true,6D92078A-8246-4BA4-AE5B-76104861E7DC,,m1`,
    `d2,android,IQAAAACy0kjVAAD4pK9,huawei,,,,md5:${'ab'.repeat(16)},m2`,
    'd3,android,,,,,,,m2',
  );
  expect(answer).toMatchObject({ imported: 3, badRows: 0 });
  expect(await read('d1')).toMatchObject({
    lastActiveAt: '2026-11-01T00:00:00.000Z',
    unsubscribedAt: api.clock.now.toISOString(),
  });
  expect(await read('d2')).toMatchObject({ channel: 'huawei', tokenState: 'no_sender' });
  const kept = await importCsv('device_id,platform,locale', 'd2,android,zh-CN', 'd1,ios,de-DE');
  expect(kept).toMatchObject({ updated: 2 });
  expect(await read('d2')).toMatchObject({ channel: 'huawei', tokenState: 'no_sender', locale: 'zh-CN' });
  expect((await read('d1')).unsubscribedAt).not.toBeNull();
});

test.each([
  ['address_kind', 'pigeon', 'unknown_address_kind'],
  ['address_kind', 'huawei', 'not_of_this_platform'],
  ['unsubscribed_at', 'yesterday', 'invalid_time'],
  ['unsubscribed', 'perhaps', 'not_true_or_false'],
])('%s %s makes a bad row: %s', async (field, value, reason) => {
  const answer = await importCsv(
    `device_id,platform,token,${field}`,
    `bad,ios,${token(1)},${value}`,
    `good,ios,,`,
  );
  expect(answer.errors).toEqual([{ line: 2, field, reason }]);
  expect(await storedIds()).toEqual(['good']);
});

test.each([
  ['idfa', '00000000-0000-0000-0000-000000000000', 'all_zeros'],
  ['idfa', 'md5:9f89c84a559f573636a47ff8daed0d33', 'all_zeros'],
  ['idfv', 'short', 'not_an_id'],
  ['oaid', 'sha256:12', 'not_a_hash'],
  ['user_id', 'NULL', 'not_an_id'],
])('%s %s is left out, and the opt-out of its row counts', async (field, value, reason) => {
  const answer = await importCsv(`device_id,platform,unsubscribed,${field}`, `d1,ios,TRUE,${value}`);
  expect(answer.warnings).toEqual([{ line: 2, field, reason }]);
  expect((await read('d1')).unsubscribedAt).not.toBeNull();
});

test.each([
  { unsubscribed: true, opt_out: '' },
  { opt_out: null, unsubscribed: true },
  { opted_out: true, unsubscribed: true },
])('two names of one column may agree, %j', async (row) => {
  const line = JSON.stringify({ device_id: 'd1', platform: 'ios', ...row });
  expect((await send(line, 'application/x-ndjson')).json()).toMatchObject({ imported: 1 });
  expect((await read('d1')).unsubscribedAt).not.toBeNull();
});

test('two names of one column with two values refuse the row', async () => {
  const row = { device_id: 'd1', platform: 'ios', opted_out: true, unsubscribed: false };
  expect((await send(JSON.stringify(row), 'application/x-ndjson')).body).toContain('is given twice');
});

test.each([
  'unsubscribe',
  'has_opted_out',
  'Push Opt-Out',
  'is_unsubscribed',
])('a column %s tells opt-outs', async (column) => {
  await importCsv(`device_id,platform,${column}`, 'd1,ios,✓');
  expect((await read('d1')).unsubscribedAt).not.toBeNull();
});

test('a device ID of all zeros makes a bad row', async () => {
  const { errors } = await importCsv(
    'device_id,platform',
    '00000000-0000-0000-0000-000000000000,ios',
    '7,ios',
  );
  expect(errors).toEqual([{ line: 2, field: 'device_id', reason: 'all_zeros' }]);
  expect(await storedIds()).toEqual(['7']);
});

test.each([
  [{ vip: true, cart: [1, 2] }, 'cart', 'attribute_not_flat'],
  [{ vip: true, note: 'x'.repeat(501) }, 'note', 'too_long'],
  [{ vip: true, ['n'.repeat(101)]: 1 }, 'n'.repeat(100), 'too_long'],
  [{ vip: true, broken: '\ufffd' }, 'broken', 'invalid_utf8'],
])('an odd attribute is left out and does not cost the opt-out of its row, %#', async (attributes, field, reason) => {
  const row = { device_id: 'd1', platform: 'ios', unsubscribed: true, attributes };
  const answer = (await send(JSON.stringify(row), 'application/x-ndjson')).json();
  expect(answer).toMatchObject({ imported: 1, warnings: [{ line: 1, field, reason }] });
  const { attributes: stored, unsubscribedAt } = await read('d1');
  expect([stored, unsubscribedAt === null]).toEqual([{ vip: true }, false]);
});

test('attributes beyond the limit are left out', async () => {
  const attributes = Object.fromEntries(Array.from({ length: 60 }, (_, n) => [`a${n}`, n]));
  const answer = (
    await send(JSON.stringify({ device_id: 'd1', platform: 'ios', attributes }), 'application/x-ndjson')
  ).json();
  expect([answer.imported, answer.warnings.length]).toEqual([1, 10]);
});

test('a line with 10 MB of nesting is too long, and one with 60 KB is an invalid row', async () => {
  const nested = (depth: number) => `{"deviceId":"deep","platform":"ios","attributes":${'['.repeat(depth)}`;
  const lines = [nested(10_000_000), nested(60_000), `${nested(30_000)}${']'.repeat(30_000)}}`];
  const good = JSON.stringify({ deviceId: 'good', platform: 'ios' });
  const answer = (await send([...lines, good].join('\n'), 'application/x-ndjson')).json();
  expect(answer.errors).toEqual([
    { line: 1, field: null, reason: 'line_too_long' },
    { line: 2, field: null, reason: 'invalid_json' },
    { line: 3, field: 'attributes', reason: 'invalid_attributes' },
  ]);
  expect(await storedIds()).toEqual(['good']);
});
