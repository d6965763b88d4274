import { afterAll, beforeAll, expect, test } from 'vitest';
import { localTimeOf } from '../domain/time/local-time.ts';
import { TASK_QUEUE, TRIGGERS } from '../domain/workflows/contract.ts';
import { recordHistory } from './replay/record.ts';
import { createLocal } from './setup/temporal-environment.ts';
import { until } from './wait.ts';
import {
  callAction,
  createTask,
  everybody,
  importDevices,
  openShop,
  type Shop,
  submitAndApprove,
} from './world/shop.ts';
import { createWorld, type World } from './world/world.ts';

const DEVICES = 3000;
const EVENTS = 40;

let world: World;
let shop: Shop;
beforeAll(async () => {
  world = await createWorld(() => createLocal(EVENTS), { receiptWindowMs: 3_600_000 });
  shop = await openShop(world);
  await importDevices(shop, DEVICES);
});
afterAll(() => world.close());

const runIdOf = async (workflowId: string) =>
  (await world.env.client.workflow.getHandle(workflowId).describe()).runId;

test('a push and its task continue as new in the middle of pauses, and lose nothing', async () => {
  const audience = { id: await everybody(shop) };
  const taskId = await createTask(shop, { audience, pushType: 'manual' });
  await submitAndApprove(shop, taskId);
  // The rate is low enough that the push still sends at the third pause.
  const rate = { ratePerSecond: DEVICES / 4 };
  expect(await shop.call(shop.marketer, 'PUT', `/v1/tasks/${taskId}/rate`, rate)).toMatchObject({
    status: 200,
  });
  const firstRun = await runIdOf(taskId);
  await callAction(shop, shop.marketer, taskId, 'send');
  const pushId = `${taskId.replace('task-', 'push-')}-1`;
  const counts = world.simulators.control.counts;
  await until(counts, ({ processed }) => processed > 10);
  const firstPushRun = await runIdOf(pushId);
  for (const share of [0.2, 0.4, 0.6]) {
    await until(counts, ({ processed }) => processed >= DEVICES * share);
    expect((await callAction(shop, shop.marketer, taskId, 'pause')).status).toBe(200);
    expect((await callAction(shop, shop.marketer, taskId, 'resume')).status).toBe(200);
  }
  const read = () => shop.call<{ status: string }>(shop.marketer, 'GET', `/v1/pushes/${pushId}`);
  await until(read, ({ body }) => body.status === 'collecting');
  expect(await counts()).toMatchObject({ distinctDevices: DEVICES, duplicates: 0 });
  expect(await runIdOf(taskId)).not.toBe(firstRun);
  expect(await runIdOf(pushId)).not.toBe(firstPushRun);
  await recordHistory(world, pushId, 'push-continued');
  await recordHistory(world, taskId, 'manual-continued');
  expect((await callAction(shop, shop.marketer, taskId, 'cancel')).status).toBe(200);
});

/** A shop of its own, whose devices the simulators have not seen. */
async function openOtherShop(rows: readonly string[]): Promise<Shop> {
  const other = await openShop(world);
  const csv = ['device_id,platform,token,user_id,time_zone', ...rows].join('\n');
  const { status, body } = await other.call(other.marketer, 'POST', '/v1/devices/import', csv);
  if (status >= 300) throw new Error(JSON.stringify(body));
  return other;
}
const tokenOf = (n: number) => `fcm-token-other-${String(n).padStart(40, '0')}`;
const pushOf = async (other: Shop, pushId: string) =>
  (
    await other.call<{ status: string; statistics: { held: number; statistics: Record<string, number> } }>(
      other.marketer,
      'GET',
      `/v1/pushes/${pushId}`,
    )
  ).body;
const sentOf = async (other: Shop, pushId: string) =>
  (await pushOf(other, pushId)).statistics?.statistics['sent'] ?? 0;

test('a push continues as new while some of its devices are held back, and sends to them when their quiet hours end', async () => {
  const zones = ['Asia/Tokyo', 'America/Bogota'];
  const other = await openOtherShop(
    Array.from({ length: 20 }, (_, n) => `w${n},android,${tokenOf(n)},,${zones[n % 2]}`),
  );
  const before = await world.simulators.control.counts();
  // The hold lasts between half a minute and a minute and a half.
  const end = Math.ceil((Date.now() + 30_000) / 60_000) * 60_000;
  const time = (at: number) => localTimeOf(at, 'Asia/Tokyo').slice(11);
  const quietHours = { from: time(end - 120 * 60_000), to: time(end), action: 'hold' };
  await other.call(other.operator, 'PUT', '/v1/app/contact-rules', { quietHours });
  const taskId = await createTask(other, { audience: { id: await everybody(other) } });
  await submitAndApprove(other, taskId);
  const pushId = `${taskId.replace('task-', 'push-')}-1`;
  await until(
    () => sentOf(other, pushId),
    (sent) => sent === 10,
  );
  const runs = new Set([await runIdOf(pushId)]);
  for (let pauses = 0; runs.size < 3 && pauses < 12; pauses++) {
    expect((await callAction(other, other.marketer, taskId, 'pause')).status).toBe(200);
    expect((await callAction(other, other.marketer, taskId, 'resume')).status).toBe(200);
    runs.add(await runIdOf(pushId));
  }
  expect(runs.size).toBe(3);
  if (Date.now() < end) {
    const { held, statistics } = (await pushOf(other, pushId)).statistics;
    expect({ held, ...statistics }).toMatchObject({ held: 10, pending: 10, sent: 10 });
  }
  await until(
    () => sentOf(other, pushId),
    (sent) => sent === 20,
    120_000,
  );
  const after = await world.simulators.control.counts();
  expect(after.distinctDevices - before.distinctDevices).toBe(20);
  expect(after.duplicates).toBe(before.duplicates);
  await recordHistory(world, pushId, 'push-held-continued');
}, 180_000);

test('a push continues as new while users join it, and nobody is lost or sent to twice', async () => {
  const users = Array.from({ length: 16 }, (_, n) => n + 100);
  const other = await openOtherShop(users.map((n) => `j${n},android,${tokenOf(n)},u${n},`));
  const before = await world.simulators.control.counts();
  await world.env.client.workflow.start(TRIGGERS, {
    workflowId: TRIGGERS,
    taskQueue: TASK_QUEUE,
    args: [{ everyMs: 50, forMs: 1000 }],
  });
  const taskId = await createTask(other, {
    audience: { id: await everybody(other) },
    pushType: 'trigger',
    trigger: { event: 'paid' },
  });
  await submitAndApprove(other, taskId);
  const armed = () =>
    world.db.selectFrom('triggers').select('task_id').where('task_id', '=', taskId).execute();
  await until(armed, (rows) => rows.length === 1);
  const runs = new Set<string>();
  const processed = async () => (await world.simulators.control.counts()).distinctDevices;
  for (const [index, n] of users.entries()) {
    const event = { id: `j${n}`, name: 'paid', userId: `u${n}`, at: new Date().toISOString() };
    await other.call(other.marketer, 'POST', '/v1/events', { events: [event] });
    await until(processed, (count) => count === before.distinctDevices + index + 1);
    const { id } = await world.db
      .selectFrom('pushes')
      .select('id')
      .where('task_id', '=', taskId)
      .orderBy('seq', 'desc')
      .executeTakeFirstOrThrow();
    runs.add(await runIdOf(id));
  }
  expect(runs.size).toBeGreaterThan(1);
  expect((await world.simulators.control.counts()).duplicates).toBe(before.duplicates);
  await world.env.client.workflow.getHandle(TRIGGERS).terminate();
  const first = `${taskId.replace('task-', 'push-')}-1`;
  await recordHistory(world, first, 'push-joined-continued');
  expect((await callAction(other, other.marketer, taskId, 'cancel')).status).toBe(200);
  await until(
    () => pushOf(other, first),
    ({ status }) => status === 'cancelled',
  );
}, 90_000);
