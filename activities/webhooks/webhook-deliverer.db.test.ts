import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { sql } from 'kysely';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { insertPing, listWebhookDeliveries } from '../../db/webhooks/webhook-log.ts';
import { deleteWebhooksBefore } from '../../db/webhooks/webhook-outbox.ts';
import { insertWebhook } from '../../db/webhooks/webhooks.ts';
import { createFindTarget } from '../../security/outbound-targets.ts';
import { createVault } from '../../security/vault.ts';
import { useTestDatabase } from '../../test/setup/database.ts';
import { type Receiver, startReceiver } from '../../test/webhook-receiver.ts';
import { startWebhookDeliverer } from './webhook-deliverer.ts';

const database = useTestDatabase();
const key = randomBytes(32);
const vault = createVault(key);
const appId = 'app-0000000001';
const endpointId = 'webhook-0000000001';
const secret = `whsec_${randomBytes(32).toString('base64')}`;
const NOW = new Date('2026-11-22T10:00:00Z');
const after = (ms: number) => new Date(NOW.getTime() + ms);
let receiver: Receiver;

beforeEach(async () => {
  receiver = await startReceiver();
  const { db } = database;
  const made = { created_at: NOW };
  await db
    .insertInto('apps')
    .values({ id: appId, name: 'A', time_zone: 'UTC', stopped_at: null, ...made })
    .execute();
  const createdBy = 'person-0000000001';
  await db
    .insertInto('people')
    .values({ id: createdBy, app_id: appId, name: 'P', role: 'operator', ...made })
    .execute();
  const what = { url: receiver.url, description: '', events: ['push.status_changed'] as const };
  await insertWebhook(db, {
    appId,
    id: endpointId,
    ...what,
    sealed: vault.seal(secret),
    createdBy,
    now: NOW,
  });
});
afterEach(async () => {
  await receiver.close();
  for (const table of ['webhook_events', 'webhook_endpoints', 'people', 'apps'] as const) {
    await database.db.deleteFrom(table).execute();
  }
});

const deliver = (aheadMs: number) =>
  startWebhookDeliverer({
    db: database.db,
    clock: async () => after(aheadMs),
    log: pino({ level: 'silent' }),
    open: (sealed) => vault.open(sealed),
    findTarget: createFindTarget(['127.0.0.0/8']),
  });
const lines = () =>
  listWebhookDeliveries(database.db, { endpointId, status: undefined, before: undefined, limit: 50 });

test('a deliverer that is killed between the request and its record sends again under the same ID', async () => {
  const child = spawn(process.execPath, ['test/webhook-process.ts'], {
    env: { DATABASE_URL: database.url, CREDENTIALS_KEY: key.toString('base64'), NOW: NOW.toISOString() },
    stdio: 'inherit',
  });
  receiver.answer = () => child.kill('SIGKILL');
  const messageId = await insertPing(database.db, { appId, endpointId, now: NOW });
  await once(child, 'exit');
  expect(receiver.received.map((one) => one.id)).toEqual([messageId]);
  expect(await lines()).toMatchObject([{ status: 'pending', attempts: 0 }]);
  receiver.answer = (response) => response.writeHead(204).end();
  const early = deliver(0);
  const late = deliver(61_000);
  await expect.poll(lines).toMatchObject([{ status: 'delivered', attempts: 1 }]);
  await Promise.all([early.stop(), late.stop()]);
  expect(receiver.received.map((one) => one.id)).toEqual([messageId, messageId]);
});

test('several deliverers send each message once, and the messages of one object in order', async () => {
  const sent: string[] = [];
  for (let n = 0; n < 40; n++) sent.push(await insertPing(database.db, { appId, endpointId, now: NOW }));
  const deliverers = [deliver(0), deliver(0), deliver(0)];
  await expect
    .poll(async () => (await lines()).filter((line) => line.status === 'delivered').length)
    .toBe(40);
  await Promise.all(deliverers.map((each) => each.stop()));
  expect(receiver.received.map((one) => one.id)).toEqual(sent);
});

test('one deliverer sends an endpoint at most four requests at a time', async () => {
  const held: ServerResponse[] = [];
  let most = 0;
  // No request is answered before four are open and a fifth has had time to come.
  receiver.answer = (response) => {
    most = Math.max(most, held.push(response));
    if (held.length !== 4) return;
    setTimeout(() => {
      for (const each of held.splice(0)) each.writeHead(204).end();
    }, 50);
  };
  for (let n = 0; n < 40; n++) {
    await insertPing(database.db, { appId, endpointId, now: NOW });
  }
  await sql`update webhook_deliveries set object_id = 'task-' || event_no`.execute(database.db);
  const deliverer = deliver(0);
  await expect
    .poll(async () => (await lines()).filter((line) => line.status === 'delivered').length)
    .toBe(40);
  await deliverer.stop();
  expect(most).toBe(4);
});

test('old messages are deleted with their log, and waiting messages stay', async () => {
  receiver.answer = (response) => response.writeHead(500).end();
  await insertPing(database.db, { appId, endpointId, now: NOW });
  const deliverer = deliver(0);
  await expect.poll(lines).toMatchObject([{ attempts: 1 }]);
  await deliverer.stop();
  const future = after(60_000);
  expect(await deleteWebhooksBefore(database.db, future)).toBe(0);
  await database.db.updateTable('webhook_deliveries').set({ status: 'failed' }).execute();
  expect(await deleteWebhooksBefore(database.db, future)).toBe(1);
  expect(await database.db.selectFrom('webhook_attempts').selectAll().execute()).toEqual([]);
});
