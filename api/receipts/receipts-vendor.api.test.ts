import { createHmac, randomUUID } from 'node:crypto';
import { beforeEach, expect, test, vi } from 'vitest';
import { drainInbox, insertCallback } from '../../db/receipts/receipt-inbox.ts';
import { finalisePush } from '../../db/statistics/finalise.ts';
import { encodeMessageId } from '../../domain/receipts/message-id.ts';
import { type SeededPush, seedPush, seedTask } from '../../test/fixtures/ledger-fixture.ts';
import { openShop, type Shop } from '../../test/fixtures/shop-fixture.ts';
import { useTestApi } from '../../test/fixtures/test-api.ts';
import { fixture } from '../../test/setup/fixture.ts';

const api = useTestApi();
const shop = fixture(beforeEach, () => openShop(api));
let push: SeededPush;
let key: { id: string; secret: string; path: string };
let operator: Shop['marketer'];
beforeEach(async () => {
  operator = await shop.person('operator');
  const { appId } = shop;
  const startedAt = api.clock.now;
  const taskId = await seedTask(api.deps.db, { appId, personId: operator.personId, now: startedAt });
  const deliveries = [{ status: 'accepted', platform: 'android' } as const];
  push = await seedPush(api.deps.db, { appId, taskId, startedAt, deliveries });
  const made = await operator.call('POST', '/v1/app/vendor-keys', { name: 'Vendor' });
  key = made.body as typeof key;
});

const bodyOf = (...more: unknown[]) =>
  JSON.stringify({
    receipts: [
      {
        messageId: encodeMessageId(api.deps.messageMac, { pushNo: push.no, deliveryNo: 1 }),
        kind: 'delivered',
        eventId: 'v-1',
        at: api.clock.now.toISOString(),
      },
      ...more,
    ],
  });

async function send(
  body: string | Buffer,
  more: { id?: string; secret?: string; ageMs?: number; url?: string } = {},
) {
  const { id = randomUUID(), secret = key.secret, ageMs = 0, url = key.path } = more;
  const timestamp = String(Math.floor((api.clock.now.getTime() - ageMs) / 1_000));
  const signature = createHmac('sha256', Buffer.from(secret.slice('whsec_'.length), 'base64'))
    .update(`${id}.${timestamp}.`)
    .update(body)
    .digest('base64');
  const response = await api.app.inject({
    method: 'POST',
    url,
    payload: body,
    headers: {
      'content-type': 'application/json',
      'webhook-id': id,
      'webhook-timestamp': timestamp,
      'webhook-signature': `v1,AAAA v1,${signature}`,
    },
  });
  return response.statusCode;
}

const statistics = async () => (await shop.marketer.call('GET', `/v1/pushes/${push.id}/statistics`)).body;
const callbacks = async () =>
  (await operator.call('GET', '/v1/callbacks')).body['items'] as { outcome: unknown }[];
const outcomes = () =>
  vi.waitFor(async () => {
    const all = await callbacks();
    expect(all.every(({ outcome }) => outcome !== null)).toBe(true);
    return all.map(({ outcome }) => outcome);
  });

test('a signed callback is stored, answered, read, and counted once however often it is sent', async () => {
  const [id, body] = [randomUUID(), bodyOf({ messageId: 'x' }, 7)];
  expect(await send(body, { id })).toBe(202);
  expect(await send(body, { id })).toBe(202);
  expect(await outcomes()).toEqual([{ counted: 1, error: 2 }]);
  expect(await send(body)).toBe(202);
  expect(await outcomes()).toEqual([
    { duplicate: 1, error: 2 },
    { counted: 1, error: 2 },
  ]);
  expect(await statistics()).toMatchObject({ statistics: { deliveries: 1, noFeedback: 0, opens: null } });
});

test('a callback without a valid signature, or with an old one, is refused', async () => {
  const secret = `whsec_${Buffer.alloc(32).toString('base64')}`;
  expect(await send(bodyOf(), { secret })).toBe(401);
  expect(await send(bodyOf(), { ageMs: 301_000 })).toBe(401);
  expect(await send(bodyOf(), { url: '/v1/callbacks/vendorkey-0000000000/receipts' })).toBe(401);
  await operator.call('DELETE', `/v1/app/vendor-keys/${key.id}`);
  expect(await send(bodyOf())).toBe(401);
  expect(await callbacks()).toEqual([]);
});

test('only an operator manages vendor keys, of the own app', async () => {
  expect((await shop.marketer.call('POST', '/v1/app/vendor-keys', { name: 'x' })).status).toBe(403);
  const other = await (await openShop(api)).person('operator');
  expect((await other.call('DELETE', `/v1/app/vendor-keys/${key.id}`)).status).toBe(404);
  const { body } = await operator.call('GET', '/v1/app/vendor-keys');
  expect(JSON.stringify(body)).not.toContain(key.secret);
  expect(body).toMatchObject({ items: [{ id: key.id, name: 'Vendor', revokedAt: null }] });
});

test('an invalid callback body blocks no other callback', async () => {
  const nested = '['.repeat(400_000);
  for (const body of ['', 'nonsense', '{}', '{"receipts":{}}', nested]) expect(await send(body)).toBe(202);
  expect(await send(Buffer.from([0xff, 0xfe]))).toBe(400);
  expect(await send('\0')).toBe(400);
  expect(await send(Buffer.alloc(1_048_577, 0x20))).toBe(413);
  await send(bodyOf());
  expect(await outcomes()).toEqual([{ counted: 1 }, ...Array.from({ length: 5 }, () => ({ unreadable: 1 }))]);
});

test('callbacks left by a crash are read later with their time of arrival, and no push is frozen before', async () => {
  api.clock.advance(push.windowEndsAt.getTime() - api.clock.now.getTime() - 1_000);
  const { appId } = shop;
  const { db, messageMac: mac } = api.deps;
  const callback = { keyId: key.id, appId, callbackId: 'left', body: bodyOf(), now: api.clock.now };
  await insertCallback(db, callback);
  api.clock.advance(2_000);
  const now = api.clock.now;
  const read = drainInbox(db, { mac, now });
  await Promise.all([read, drainInbox(db, { mac, now })]);
  expect(await finalisePush(db, { push, now })).toEqual([]);
  expect(await statistics()).toMatchObject({ final: true, late: 0, statistics: { deliveries: 1 } });
});

test('a push waits for callbacks that came within its window, up to a limit', async () => {
  api.clock.advance(push.windowEndsAt.getTime() - api.clock.now.getTime() - 1_000);
  const { db } = api.deps;
  const lock = await api.deps.pool.connect();
  try {
    await insertCallback(db, {
      keyId: key.id,
      appId: shop.appId,
      callbackId: 'stuck',
      body: bodyOf(),
      now: api.clock.now,
    });
    // Another process holds the row and makes no progress.
    await lock.query('begin');
    await lock.query('select 1 from receipt_inbox for update');
    const soon = new Date(push.windowEndsAt.getTime() + 1_000);
    await expect(finalisePush(db, { push, now: soon })).rejects.toThrow();
    const later = new Date(push.windowEndsAt.getTime() + 660_000);
    expect(await finalisePush(db, { push, now: later })).toEqual([]);
  } finally {
    await lock.query('rollback');
    lock.release();
  }
});

test('the health of receipts shows whether they arrive and what is wrong', async () => {
  const health = async () => (await shop.marketer.call('GET', '/v1/receipts/health')).body;
  expect(await health()).toMatchObject({ hasSdkKey: true, warnings: [{ code: 'never_arrived' }] });
  await send(bodyOf({}));
  await outcomes();
  const now = api.clock.now.toISOString();
  expect(await health()).toMatchObject({
    arrivals: [
      { source: 'vendor', platform: null, kind: null, result: 'error', last24h: 1, lastAt: now },
      {
        source: 'vendor',
        platform: 'android',
        kind: 'delivered',
        result: 'counted',
        last24h: 1,
        lastAt: now,
      },
    ],
    inbox: { waiting: 0, oldestAt: null },
    warnings: [],
  });
  api.clock.advance(25 * 3_600_000);
  expect(await health()).toMatchObject({ arrivals: [{ last24h: 0 }, { last24h: 0 }] });
});
