import { sql } from 'kysely';
import { beforeAll, expect, test } from 'vitest';
import { findVariants } from '../../db/ledger/deliveries.ts';
import { findPushSummary } from '../../db/tasks/task-history.ts';
import { seedPush, seedTask } from '../../test/fixtures/ledger-fixture.ts';
import { openShop } from '../../test/fixtures/shop-fixture.ts';
import { useTestApi } from '../../test/fixtures/test-api.ts';
import { fixture } from '../../test/setup/fixture.ts';
import { deliveryPages } from './deliveries-export.ts';
import { DeliverySearch } from './delivery-search.ts';

const api = useTestApi();
const pushed = fixture(beforeAll, async () => {
  const { db } = api.deps;
  const { appId, marketer } = await openShop(api);
  const taskId = await seedTask(db, { appId, personId: marketer.personId, now: api.clock.now });
  const rare = { status: 'unreachable', platform: null, reason: 'unknown_user', deviceId: 'user-9' } as const;
  const usual = { status: 'accepted', platform: 'ios' } as const;
  const deliveries = [usual, usual, usual, usual, rare, usual, usual];
  const { id, no, partitionStart } = await seedPush(db, {
    appId,
    taskId,
    startedAt: api.clock.now,
    deliveries,
  });
  return { appId, marketer, taskId, id, no, partitionStart };
});

async function waitingForDeliveries(): Promise<number> {
  const { rows } = await sql<{ n: number }>`
    select count(distinct pid) as n from pg_locks where relation = 'deliveries'::regclass and not granted
      and database = (select oid from pg_database where datname = current_database())`.execute(api.deps.db);
  return rows[0]?.n ?? 0;
}

const asleep = (seconds: number) => async (db: typeof api.deps.db) =>
  (await sql<{ done: number }>`select 1 as done from pg_sleep(${seconds})`.execute(db)).rows[0]?.done;

test('searches beyond the limit are refused with a Retry-After', async () => {
  const { marketer, id } = pushed;
  const find = (query: string) => marketer.call('GET', `/v1/pushes/${id}/deliveries?${query}`);
  const waiting = await api.deps.db.transaction().execute(async (trx) => {
    await sql`lock table deliveries in access exclusive mode`.execute(trx);
    const first = [find('deviceId=user'), find('deviceId=user')];
    await expect.poll(waitingForDeliveries).toBe(2);
    // The first two reads turn into searches when their quick read times out. Further reads exceed the limit.
    await expect.poll(async () => (await find('deviceId=user')).status, { timeout: 10_000 }).toBe(503);
    return { first };
  });
  const answers = await Promise.all(waiting.first);
  expect(answers.map(({ status, body }) => [status, body['items']])).toEqual([
    [200, [expect.objectContaining({ deviceId: 'user-9' })]],
    [200, [expect.objectContaining({ deviceId: 'user-9' })]],
  ]);
});

test('a page that the quick read misses is searched for with more time', async () => {
  const search = new DeliverySearch(api.deps.db, { quickMs: 10, timeoutMs: 10_000 });
  expect(await search.page(asleep(0.1))).toBe(1);
});

test('a search is cancelled at its timeout, and the error says what to do instead', async () => {
  const search = new DeliverySearch(api.deps.db, { quickMs: 10, timeoutMs: 20 });
  const detail = expect.stringContaining('export them as CSV');
  const problem = { code: 'unavailable', message: detail };
  await expect(search.page(asleep(10))).rejects.toMatchObject(problem);
  await expect(search.all(asleep(10))).rejects.toMatchObject(problem);
});

test('two searches run at a time, a third gets a Retry-After, and a finished one frees a place', async () => {
  const search = new DeliverySearch(api.deps.db);
  let open = (): void => undefined;
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  const held = [search.all(() => gate), search.all(() => gate)];
  await expect(search.all(async () => 1)).rejects.toMatchObject({ code: 'unavailable' });
  open();
  await Promise.all(held);
  expect(await search.all(async () => 1)).toBe(1);
});

test('an export with a rare filter reads a span of delivery numbers at a time', async () => {
  const { appId, id, no, partitionStart, taskId } = pushed;
  const push = await findPushSummary(api.deps.db, { appId, pushId: id });
  if (push === undefined) throw new Error('no push');
  const ledger = {
    pushNo: no,
    partitionStart,
    variants: await findVariants(api.deps.db, { taskId, revision: 1 }),
  };
  const pages = [];
  for await (const page of deliveryPages(api.deps, push, {
    ledger,
    filter: { result: 'unreachable' },
    span: 2,
  }))
    pages.push(page.map((row) => row[2]));
  expect(pages).toEqual([[], [], ['user-9'], []]);
});
