import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type Caller, newTask, openShop, type Shop } from '../../test/fixtures/shop-fixture.ts';
import { ADMIN_KEY, startTestApi, type TestApi } from '../../test/fixtures/test-api.ts';

let api: TestApi;
let shop: Shop;
let operator: Caller;
beforeAll(async () => {
  const config = { adminKey: ADMIN_KEY, requestsPerMinute: 100_000, trustProxy: ['loopback'] };
  api = await startTestApi({ config });
});
afterAll(() => api.stop());
beforeEach(async () => {
  shop = await openShop(api);
  operator = await shop.person('operator');
});

interface Line {
  readonly no: number;
  readonly verb: string;
  readonly taskId: string | null;
  readonly personId: string;
}
const audit = async (query = '', who = operator) => {
  const { status, body } = await who.call('GET', `/v1/audit?${query}`);
  expect(status, JSON.stringify(body)).toBe(200);
  return body as { items: Line[]; nextCursor: string | null };
};
const verbs = async (query = '') => (await audit(query)).items.map(({ verb }) => verb);
const create = async (headers: Record<string, string> = {}) =>
  String((await shop.marketer.call('POST', '/v1/tasks', newTask(shop), headers)).body['id']);

test('the audit names the person, action, revision, channel and origin', async () => {
  const headers = { 'x-forwarded-for': '203.0.113.9', 'user-agent': 'console/1.0' };
  const taskId = await create(headers);
  const { items } = await audit();
  expect(items).toEqual([
    expect.objectContaining({
      taskId,
      verb: 'create',
      via: 'api',
      revision: 1,
      outcome: 'done',
      personId: shop.marketer.personId,
      personName: 'Mei the marketer',
      ip: '203.0.113.9',
      userAgent: 'console/1.0',
      keyId: expect.stringMatching(/^key-/),
    }),
  ]);
  const ofTask = async (who: Caller) => (await who.call('GET', `/v1/tasks/${taskId}/audit`)).body['items'];
  expect(await ofTask(operator)).toMatchObject([{ ip: '203.0.113.9', userAgent: 'console/1.0' }]);
  expect(await ofTask(shop.marketer)).toMatchObject([{ ip: null, userAgent: null, keyId: null }]);
});

test('an invalid address from a proxy is recorded as none, and nothing fails', async () => {
  await create({ 'x-forwarded-for': 'unknown' });
  await create({ 'x-forwarded-for': 'fe80::1%eth0', 'user-agent': 'x'.repeat(5000) });
  const { items } = await audit();
  expect(items).toMatchObject([{ ip: 'fe80::1', userAgent: 'x'.repeat(300) }, { ip: null }]);
});

test('the audit is filtered by person, action, task, channel, outcome and time, and paged', async () => {
  const first = await create();
  api.clock.advance(60_000);
  const second = await create();
  await shop.marketer.call('PATCH', `/v1/tasks/${second}`, { name: 'New name' });
  await operator.call('PATCH', '/v1/app', { approvalsRequired: 2 });
  expect(await verbs()).toEqual(['change_app', 'rename', 'create', 'create']);
  expect(await verbs(`person=${operator.personId}`)).toEqual(['change_app']);
  expect(await verbs(`task=${second}`)).toEqual(['rename', 'create']);
  expect(await verbs('verb=rename&verb=change_app')).toEqual(['change_app', 'rename']);
  expect(await verbs('via=signal')).toEqual([]);
  expect(await verbs('outcome=ignored')).toEqual([]);
  expect((await audit(`to=${api.clock.now.toISOString()}`)).items).toMatchObject([{ taskId: first }]);
  expect(await verbs(`from=${api.clock.now.toISOString()}`)).toHaveLength(3);
  const page = await audit('limit=3');
  expect((await audit(`limit=3&cursor=${page.nextCursor}`)).items).toMatchObject([{ taskId: first }]);
  expect((await operator.call('GET', '/v1/audit?cursor=%20')).status).toBe(400);
  expect((await operator.call('GET', '/v1/audit?from=yesterday')).status).toBe(400);
});

test("operators and approvers read the audit of their app, and never another app's", async () => {
  await create();
  const other = await openShop(api);
  expect((await audit('', other.approver)).items).toEqual([]);
  expect((await shop.marketer.call('GET', '/v1/audit')).status).toBe(403);
  expect((await shop.marketer.call('GET', '/v1/audit/export')).status).toBe(403);
});

test('an export holds all filtered lines, as CSV without formulas and as NDJSON', async () => {
  const { appId } = shop;
  const { personId } = operator;
  await sql`
    insert into audit (app_id, at, person_id, verb, via, outcome, detail)
    select ${appId}, ${api.clock.now}::timestamptz, ${personId}, 'bulk', 'api', 'done', case when n = 0 then '=1+1, "x"' else n::text end
    from generate_series(0, 2499) n`.execute(api.deps.db);
  await create();
  const csv = await operator.text('GET', '/v1/audit/export?verb=bulk');
  const lines = csv.trimEnd().split('\r\n');
  expect(lines).toHaveLength(2501);
  expect(lines[0]).toBe(
    'no,at,task_id,person_id,person_name,verb,via,revision,outcome,detail,remark,ip,user_agent,key_id',
  );
  expect(lines.at(-1)).toContain(`"'=1+1, ""x"""`);
  const ndjson = await operator.text('GET', `/v1/audit/export?format=ndjson&person=${personId}`);
  const parsed = ndjson
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
  expect(new Set(parsed.map(({ no }) => no)).size).toBe(2500);
});

test('audit entries can be neither changed nor deleted', async () => {
  await create();
  for (const table of ['audit', 'request_origins'] as const) {
    await expect(api.deps.db.deleteFrom(table).execute()).rejects.toThrow('immutable');
  }
  await expect(api.deps.db.updateTable('audit').set({ verb: 'x' }).execute()).rejects.toThrow('immutable');
  await expect(sql`truncate audit`.execute(api.deps.db)).rejects.toThrow('immutable');
});
