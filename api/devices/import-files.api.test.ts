import { gzipSync } from 'node:zlib';
import { beforeEach, expect, test } from 'vitest';
import { createTestApp, type TestApp, useTestApi } from '../../test/fixtures/test-api.ts';

const api = useTestApi();
let app: TestApp;
beforeEach(async () => {
  app = await createTestApp(api);
});

type Headers = Record<string, string>;
const send = async (file: string | Buffer, query = '', type = 'text/csv', headers: Headers = {}) => {
  const answer = await api.app.inject({
    method: 'POST',
    url: `/v1/devices/import${query}`,
    headers: { authorization: `Bearer ${app.keys.operator}`, 'content-type': type, ...headers },
    payload: file,
  });
  return { status: answer.statusCode, ...answer.json() };
};
const read = async (id: string) => (await app.call('operator', 'GET', `/v1/devices/${id}`)).json();
const token = (n: number) => n.toString(16).padStart(64, '0');
const utf16 = (text: string, mark = true) => Buffer.from(`${mark ? '\ufeff' : ''}${text}`, 'utf16le');
const FILE = 'device_id,platform,tags\nd1,ios,Grüße\n';

test.each([
  ['UTF-8 with a byte order mark', Buffer.from(`\ufeff${FILE}`), 'text/csv'],
  ['UTF-16 little-endian by its mark', utf16(FILE), 'text/csv'],
  ['UTF-16 big-endian by its mark', utf16(FILE).swap16(), 'text/csv'],
  ['UTF-16 without a mark by its charset', utf16(FILE, false), 'text/csv; charset=utf-16le'],
  ['Latin 1 by its charset', Buffer.from(FILE, 'latin1'), 'text/csv;charset="ISO-8859-1"'],
  ['line breaks of old Macs', Buffer.from(FILE.replaceAll('\n', '\r')), 'text/csv'],
  ['gzip by its first bytes', gzipSync(FILE), 'application/octet-stream'],
  ['gzip of UTF-16', gzipSync(utf16(FILE)), 'text/csv'],
  ['CSV by the name of Excel', Buffer.from(FILE), 'application/vnd.ms-excel'],
  ['CSV as plain text', Buffer.from(FILE), 'text/plain'],
  ['tabs, as Excel calls Unicode text', utf16(FILE.replaceAll(',', '\t')), 'text/csv'],
  ['semicolons', Buffer.from(FILE.replaceAll(',', ';')), 'text/csv'],
  ['the first line of Excel', Buffer.from(`sep=;\r\n${FILE.replaceAll(',', ';')}`), 'text/csv'],
])('%s is read', async (_what, file, type) => {
  expect(await send(file, '', type)).toMatchObject({ status: 200, imported: 1, badRows: 0 });
  expect((await read('d1')).tags).toEqual(['Grüße']);
});

test('GBK is read by its charset, and content-encoding: gzip is obeyed', async () => {
  const gbk = Buffer.concat([
    Buffer.from('device_id,platform,tags\nd1,ios,'),
    Buffer.from([0xb4, 0xba, 0xbd, 0xda, 0x0a]),
  ]);
  const packed = { 'content-encoding': 'gzip' };
  expect(await send(gzipSync(gbk), '', 'text/csv; charset=gbk', packed)).toMatchObject({ imported: 1 });
  expect((await read('d1')).tags).toEqual(['春节']);
});

test.each([
  ['an Excel workbook', Buffer.from('PK\x03\x04 and so on'), 'text/csv', 400, /Excel workbook \(xlsx\)/],
  ['an HTML page', Buffer.from('<!doctype html><p>Log in'), 'text/csv', 400, /HTML/],
  ['a JSON list', Buffer.from('[{"deviceId":"d1"}]'), 'application/x-ndjson', 400, /one JSON list/],
  ['JSON as CSV', Buffer.from('{"deviceId":"d1"}'), 'text/csv', 400, /application\/x-ndjson/],
  ['UTF-16 without a mark', utf16(FILE, false), 'text/csv', 400, /charset=utf-16le/],
  ['half a gzip file', gzipSync(FILE).subarray(0, 20), 'text/csv', 400, /gzip/],
  ['an unknown charset', Buffer.from(FILE), 'text/csv; charset=klingon', 415, /klingon/],
  ['a form', Buffer.from('--x'), 'multipart/form-data; boundary=x', 415, /--data-binary/],
  ['curl without a type', Buffer.from(FILE), 'application/x-www-form-urlencoded', 415, /text\/csv/],
])('%s is refused with what it is', async (_what, file, type, status, words) => {
  const answer = await send(file, '', type);
  expect(answer.status).toBe(status);
  expect(JSON.stringify([answer.detail, answer.errors])).toMatch(words);
});

test('another content encoding is refused', async () => {
  const answer = await send(FILE, '', 'text/csv', { 'content-encoding': 'br' });
  expect(answer).toMatchObject({ status: 415, detail: expect.stringContaining('gzip') });
});

test('headers in any spelling, extra columns and empty rows are taken, and what is unused is named', async () => {
  const file = [
    'Device ID,PLATFORM,"userId",Time-Zone,E-Mail,App Version,',
    'd1, iPhone ,\u00a0u1\t,europe/berlin,a@b.example,12.3.0 (4567),',
    ',,,,,,',
    'd2,ANDROID,,,,,,,',
  ].join('\r\n');
  expect(await send(file)).toMatchObject({
    rows: 2,
    imported: 2,
    badRows: 0,
    ignoredColumns: ['E-Mail'],
  });
  expect(await read('d1')).toMatchObject({
    platform: 'ios',
    userId: 'u1',
    timeZone: 'Europe/Berlin',
    appVersion: '12.3.0 (4567)',
  });
  expect((await read('d2')).platform).toBe('android');
});

test('unknown columns become attributes, beside those that a device has, or refuse the file', async () => {
  await send('device_id,platform,attributes\nd1,ios,"{""plan"":""pro"",""zip"":""1""}"\n');
  const file = 'device_id,platform,age,zip,vip,order,note\nd1,ios,42,01234,TRUE,1610521604143693812,\n';
  expect(await send(file, '?unknownColumns=attributes')).toMatchObject({ imported: 1, ignoredColumns: [] });
  expect((await read('d1')).attributes).toEqual({
    plan: 'pro',
    age: 42,
    zip: '01234',
    vip: true,
    order: '1610521604143693812',
    note: null,
  });
  const long = `device_id,platform,notes\nd1,ios,${'x'.repeat(501)}\n`;
  const kept = await send(long, '?unknownColumns=attributes');
  expect(kept).toMatchObject({ imported: 1, leftOut: { too_long: 1 } });
  const nested = '{"deviceId":"d1","platform":"ios","address":{"zip":1},"__proto__":{"x":1},"n":1e400}';
  const lines = await send(nested, '?unknownColumns=attributes', 'application/x-ndjson');
  expect(lines).toMatchObject({ imported: 1, leftOut: { attribute_not_flat: 2, inexact_number: 1 } });
  expect((await read('d1')).attributes).toMatchObject({ plan: 'pro', age: 42 });
  const refused = await send(file, '?unknownColumns=refuse');
  expect(refused).toMatchObject({ status: 400 });
  expect(refused.errors[0]).toEqual({ line: 1, detail: '"age" is not a known column' });
});

test('odd optional values are left out and told, and never cost the row', async () => {
  const file = [
    'device_id,platform,time_zone,locale,last_active_at',
    'd1,ios,Etc/Unknown,klingonisch,2026-02-30T10:00:00Z',
    'd2,ios,IST,de_DE,11/1/2026 10:00',
    'd3,ios,,,2099-01-01',
    'd4,ios,,,1.11.2026 10:00',
  ].join('\n');
  const answer = await send(file);
  expect(answer).toMatchObject({ imported: 4, badRows: 0, errors: [] });
  expect(answer.leftOut).toEqual({
    unknown_time_zone: 2,
    unknown_locale: 1,
    invalid_time: 1,
    ambiguous_date: 1,
    in_the_future: 1,
  });
  expect(answer.warnings).toContainEqual({ line: 2, field: 'time_zone', reason: 'unknown_time_zone' });
  expect(await read('d1')).toMatchObject({ timeZone: null, locale: null, lastActiveAt: null });
  expect(await read('d2')).toMatchObject({ locale: 'de-DE', lastActiveAt: null });
  expect((await read('d3')).lastActiveAt).toBe(api.clock.now.toISOString());
  expect((await read('d4')).lastActiveAt).toBe('2026-11-01T10:00:00.000Z');
  await send('device_id,platform,last_active_at\nd2,ios,11/1/2026 10:00\n', '?dateOrder=mdy');
  expect((await read('d2')).lastActiveAt).toBe('2026-11-01T10:00:00.000Z');
});

test('every fault of a row is told, repeated devices are counted apart, and the report can be downloaded', async () => {
  const file = [
    'device_id,platform,token,last_active_at,unsubscribed,time_zone,user_id',
    'd1,fridge,,1/2/2026,perhaps,Mars,8.61E+17',
    'd\u200b2,ios,,,,,',
    ...Array.from({ length: 1_500 }, () => 'd3,ios,,,,,'),
    'd4,ios,<740f4707 bebcf74f 740f4707 bebcf74f 740f4707 bebcf74f 740f4707 bebcf74f>,,,,',
    'd5,ios,zz,,,,',
  ].join('\n');
  const answer = await send(file);
  expect(answer).toMatchObject({ imported: 2, badRows: 3, repeated: 1_499, rows: 1_504 });
  expect(answer.reasons).toEqual({
    unknown_platform: 1,
    rounded_by_spreadsheet: 1,
    ambiguous_date: 1,
    not_true_or_false: 1,
    unknown_time_zone: 1,
    invalid_id: 1,
    invalid_token: 1,
  });
  expect((await read('d4')).tokenState).toBe('active');
  const report = await app.call('marketer', 'GET', answer.report);
  expect(report.headers['content-type']).toContain('text/csv');
  const lines = report.body.trim().split('\r\n');
  expect(lines[0]).toBe('line,field,reason,effect,meaning');
  expect(lines).toHaveLength(8);
  expect(lines).toContain(
    '1505,token,invalid_token,refused,is not a token of the push service of this platform',
  );
  const other = await createTestApp(api);
  expect((await other.call('marketer', 'GET', answer.report)).statusCode).toBe(404);
});

test('a file without a good row changes nothing, and says what is wrong', async () => {
  const answer = await send('device_id,platform\nd1,fridge\n');
  expect(answer).toMatchObject({
    status: 400,
    code: 'invalid_request',
    errors: [{ line: 2, detail: 'platform must be ios, android or web' }],
  });
  expect((await app.call('operator', 'GET', '/v1/devices/d1')).statusCode).toBe(404);
});

test('numbers that JSON cannot hold are left out and told, in a cell and in a line', async () => {
  const csv = await send('device_id,platform,attributes\ngood,ios,\nd1,ios,"{""n"":1610521604143693812}"\n');
  expect(csv.warnings).toEqual([{ line: 3, field: 'n', reason: 'inexact_number' }]);
  const lines = [
    '{"deviceId":"good","platform":"ios"}',
    '{"deviceId":"d1","platform":"ios","attributes":{"n":1e400}}',
  ];
  const ndjson = await send(lines.join('\n'), '', 'application/x-ndjson');
  expect(ndjson.warnings).toEqual([{ line: 2, field: 'n', reason: 'inexact_number' }]);
});

test.each(['csv', 'ndjson'])('our own export is imported again unchanged, as %s', async (format) => {
  await send(
    [
      'device_id,platform,token,user_id,time_zone,locale,app_version,tags,attributes,last_active_at,unsubscribed',
      `d1,ios,${token(1)},u1,Europe/Berlin,de-DE,1.10,"[""a;b"",""höher""]","{""n"":1.5,""t"":""x""}",2026-11-01T08:00:00.123Z,yes`,
      `d2,android,${'x'.repeat(30)},,,,,,,,`,
      'd3,web,,=1+1,,,,,,,',
    ].join('\n'),
  );
  const export1 = (await app.call('operator', 'GET', `/v1/devices/export?format=${format}&bom=true`)).body;
  api.clock.advance(60_000);
  const type = format === 'csv' ? 'text/csv' : 'application/x-ndjson';
  const again = await send(export1, '?unknownColumns=refuse', type);
  expect(again).toMatchObject({ status: 200, updated: 3, badRows: 0, leftOut: {}, optOutsKept: 0 });
  const export2 = (await app.call('operator', 'GET', `/v1/devices/export?format=${format}&bom=true`)).body;
  const timeless = (text: string) => text.replaceAll(/"updatedAt":"[^"]*"/g, '');
  expect(timeless(export2)).toBe(timeless(export1));
  expect(export1.startsWith('\ufeff')).toBe(format === 'csv');
});
