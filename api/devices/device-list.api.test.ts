import { createHash } from 'node:crypto';
import { beforeEach, expect, test } from 'vitest';
import { createTestApp, useTestApi } from '../../test/fixtures/test-api.ts';
import { fixture } from '../../test/setup/fixture.ts';

const api = useTestApi();
const app = fixture(beforeEach, () => createTestApp(api));

const IDFA = '6D92078A-8246-4BA4-AE5B-76104861E7DC';
const token = (n: number) => n.toString(16).padStart(64, '0');
const hash = (name: 'md5' | 'sha256', text: string) =>
  `${name}:${createHash(name).update(text).digest('hex')}`;
const importFile = (payload: string, type = 'text/csv') =>
  api.app.inject({
    method: 'POST',
    url: '/v1/devices/import',
    headers: { authorization: `Bearer ${app.keys.marketer}`, 'content-type': type },
    payload,
  });
const importCsv = (...lines: string[]) => importFile(lines.join('\n'));
const list = async (query = '') =>
  (await app.call('approver', 'GET', `/v1/devices?${query}`)).json() as {
    items: { deviceId: string }[];
    nextCursor: string | null;
  };
const idsOf = async (query: string) => (await list(query)).items.map(({ deviceId }) => deviceId);
const lookUp = async (identifiers: object, who = app) =>
  (await who.call('approver', 'POST', '/v1/devices/lookup', { identifiers })).json();
const register = (deviceId: string, more: object) =>
  app.call('sdk', 'POST', '/v1/devices', { deviceId, platform: 'ios', ...more });
const found = async (identifiers: object) =>
  (await lookUp(identifiers)).items.map(({ deviceId }: { deviceId: string }) => deviceId);

const SAMPLE = [
  'device_id,platform,token,user_id,tags,unsubscribed',
  `a1,ios,${token(1)},u1,vip;new,`,
  'a2,android,,u1,new,true',
  'b1,web,,u2,vip,',
  `b2,ios,${token(2)},,,`,
];

test.each([
  ['', ['a1', 'a2', 'b1', 'b2']],
  ['platform=ios', ['a1', 'b2']],
  ['userId=u1', ['a1', 'a2']],
  ['tag=vip', ['a1', 'b1']],
  ['tokenState=active', ['a1', 'b2']],
  ['tokenState=none', ['a2', 'b1']],
  ['tokenState=stale', []],
  ['channel=web_push', ['b1']],
  ['unsubscribed=true', ['a2']],
  ['unsubscribed=false&tag=new', ['a1']],
  ['deviceId=b', ['b1', 'b2']],
  ['deviceId=%25', []],
])('the list with %j has %j', async (query, ids) => {
  await importCsv(...SAMPLE);
  expect(await idsOf(query)).toEqual(ids);
});

test('an active token turns stale for the filter as for the device', async () => {
  await importCsv(...SAMPLE);
  api.clock.advance(31 * 24 * 3_600_000);
  expect(await idsOf('tokenState=stale')).toEqual(['a1', 'b2']);
  expect(await idsOf('tokenState=active')).toEqual([]);
});

test('pages hold every device once, whatever the script of its ID', async () => {
  const ids = Array.from({ length: 25 }, (_, i) => `${'zäя漢🙂'.at(i % 5)}${i}`).map((id) =>
    id.toWellFormed(),
  );
  await importCsv(
    'device_id,platform',
    ...ids.filter((id) => !id.includes('\ufffd')).map((id) => `${id},ios`),
  );
  const seen: string[] = [];
  let cursor: string | null = '';
  while (cursor !== null) {
    const page = await list(`limit=4${cursor === '' ? '' : `&cursor=${cursor}`}`);
    seen.push(...page.items.map(({ deviceId }) => deviceId));
    cursor = page.nextCursor;
  }
  expect(seen.toSorted()).toEqual(ids.filter((id) => !id.includes('\ufffd')).toSorted());
});

test('a forged cursor and an unknown filter are refused', async () => {
  expect((await app.call('approver', 'GET', '/v1/devices?cursor=AAAA')).statusCode).toBe(400);
  expect((await app.call('approver', 'GET', '/v1/devices?colour=red')).statusCode).toBe(400);
});

test('a device is found by its identifier in every form, and by no other of its kinds', async () => {
  await register('d', { identifiers: { idfa: IDFA.toLowerCase(), customId: 'member-7' } });
  const lower = IDFA.toLowerCase();
  const hashed = (text: string) => [text, hash('md5', text), hash('sha256', text)];
  for (const idfa of [...hashed(IDFA), ...hashed(lower)]) expect(await found({ idfa })).toEqual(['d']);
  expect(await found({ idfv: IDFA })).toEqual([]);
  expect(await found({ customId: 'member-7', idfa: IDFA })).toEqual(['d']);
});

test('a device that only gave a hash is found by that hash and by the ID behind it', async () => {
  await importCsv('device_id,platform,oaid', `d,android,${hash('md5', 'cafe0123456789ab')}`);
  expect(await found({ oaid: 'CAFE0123456789AB' })).toEqual(['d']);
});

test('an identifier belongs to the device that gave it last, null removes it, and an omitted one stays', async () => {
  await register('old', { identifiers: { idfa: IDFA, customId: 'm' } });
  const { secret } = (await register('new', { identifiers: { idfa: IDFA } })).json();
  expect(await found({ idfa: IDFA })).toEqual(['new']);
  expect(await found({ customId: 'm' })).toEqual(['old']);
  const proof = { 'x-device-secret': secret };
  await app.call('sdk', 'PUT', '/v1/devices/new', { locale: 'de' }, proof);
  expect(await found({ idfa: IDFA })).toEqual(['new']);
  await app.call('sdk', 'PUT', '/v1/devices/new', { identifiers: { idfa: null } }, proof);
  expect(await found({ idfa: IDFA })).toEqual([]);
});

test('a device that gives one hash of a known identifier has all its forms', async () => {
  await register('old', { identifiers: { idfa: IDFA, customId: 'm' } });
  await register('new', { identifiers: { idfa: hash('md5', IDFA) } });
  expect(await found({ idfa: IDFA })).toEqual(['new']);
  expect(await found({ idfa: hash('sha256', IDFA) })).toEqual([]);
  expect(await found({ customId: 'm' })).toEqual(['old']);
  await importCsv('device_id,platform,idfa', `newest,ios,${IDFA}`);
  expect(await found({ idfa: IDFA })).toEqual(['newest']);
});

test('the last row of a file with an identifier keeps it, and an empty field removes it', async () => {
  await importCsv('device_id,platform,custom_id', 'a,ios,m1', 'b,ios,m1', 'c,ios,m2');
  expect(await found({ customId: 'm1' })).toEqual(['b']);
  await importCsv('device_id,platform,custom_id', 'b,ios,', 'c,ios,m3');
  expect([await found({ customId: 'm1' }), await found({ customId: 'm2' })]).toEqual([[], []]);
  expect(await found({ customId: 'm3' })).toEqual(['c']);
  await importCsv('device_id,platform', 'c,ios');
  expect(await found({ customId: 'm3' })).toEqual(['c']);
});

test('identifiers of another app are not found, and a lookup of nothing is refused', async () => {
  await register('d', { identifiers: { idfa: IDFA } });
  const other = await createTestApp(api);
  expect((await lookUp({ idfa: IDFA }, other)).items).toEqual([]);
  expect(await lookUp({})).toMatchObject({ status: 400 });
  expect(await lookUp({ idfa: 'x' })).toMatchObject({ errors: [{ pointer: '/identifiers/idfa' }] });
});

test('an export holds the filtered devices without tokens, and is imported again unchanged', async () => {
  const rows = Array.from({ length: 4_100 }, (_, i) => `e${i},ios,${token(i)},u${i}`);
  await importCsv('device_id,platform,token,user_id', ...rows);
  const answer = await app.call('operator', 'GET', '/v1/devices/export?platform=ios');
  expect(answer.headers['content-type']).toMatch('text/csv');
  const lines = answer.body.trimEnd().split('\r\n');
  expect(lines).toHaveLength(4_101);
  expect(new Set(lines).size).toBe(4_101);
  expect(answer.body).not.toContain(token(7));
  expect(
    (await app.call('operator', 'GET', '/v1/devices/export?platform=web')).body.split('\r\n'),
  ).toHaveLength(2);
});

test('a formula in a CSV export is text, and NDJSON holds what was stored', async () => {
  await importCsv(
    'device_id,platform,user_id,attributes',
    `=cmd|'/c calc'!A1,ios,u1,`,
    '@d,ios,-u,"{""a"":""=1""}"',
  );
  expect(await list()).toMatchObject({ items: [{ deviceId: '@d' }] });
  await importFile(
    JSON.stringify({ deviceId: "='x'!A1", platform: 'ios', tags: ['+1'] }),
    'application/x-ndjson',
  );
  const csv = (await app.call('operator', 'GET', '/v1/devices/export')).body.trimEnd().split('\r\n').slice(1);
  expect(csv.map((line) => line.split(',')[0]).toSorted()).toEqual(["'='x'!A1", "'@d"]);
  const json = (await app.call('operator', 'GET', '/v1/devices/export?format=ndjson')).body
    .trimEnd()
    .split('\n');
  expect(json.map((line) => JSON.parse(line).deviceId).toSorted()).toEqual(["='x'!A1", '@d']);
});

test('only operators export, and each export is in the audit without its values', async () => {
  expect((await app.call('marketer', 'GET', '/v1/devices/export')).statusCode).toBe(403);
  await app.call('operator', 'GET', '/v1/devices/export?userId=secret-user');
  const rows = await api.deps.db
    .selectFrom('audit')
    .select(['verb', 'detail'])
    .where('app_id', '=', app.appId)
    .where('verb', 'like', 'export%')
    .execute();
  expect(rows).toEqual([{ verb: 'export_devices', detail: 'csv; filters: userId' }]);
});
