import { afterEach, beforeEach, expect, test } from 'vitest';
import { localTimeOf } from '../domain/time/local-time.ts';
import { recordHistory } from './replay/record.ts';
import { createTimeSkipping } from './setup/temporal-environment.ts';
import { until } from './wait.ts';
import { passTime } from './world/pass-time.ts';
import { callAction, createTask, everybody, openShop, type Shop, submitAndApprove } from './world/shop.ts';
import { createWorld, type World } from './world/world.ts';

const HOUR = 3_600_000;
/**
 * Zones without summer time. Relative to Tokyo, Majuro is three hours ahead, Shanghai one hour behind and
 * Bogotá fourteen hours behind.
 */
const ZONES = ['Asia/Tokyo', 'Pacific/Majuro', 'Asia/Shanghai', 'America/Bogota'];
const WINDOW_HOURS = 4;

let world: World;
let shop: Shop;
let everywhere: { id: string };
let tokyo: { id: string };
beforeEach(async () => {
  world = await createWorld(createTimeSkipping, { receiptWindowMs: WINDOW_HOURS * HOUR });
  shop = await openShop(world);
  const rows = ZONES.flatMap((zone, z) =>
    [1, 2, 3].map((n) => {
      const token = `${z}${n}`.padStart(64, '0');
      return `d${z}${n},${z === 0 ? 'android' : 'ios'},${token},${zone}`;
    }),
  );
  const csv = ['device_id,platform,token,time_zone', ...rows].join('\n');
  const { status, body } = await shop.call(shop.marketer, 'POST', '/v1/devices/import', csv);
  if (status >= 300) throw new Error(JSON.stringify(body));
  everywhere = { id: await everybody(shop) };
  const rule = { field: 'platform', op: 'in', value: ['android'] };
  const made = { name: 'in Tokyo', kind: 'rule', rule };
  tokyo = { id: (await shop.call<{ id: string }>(shop.marketer, 'POST', '/v1/audiences', made)).body.id };
});
afterEach(() => world.close());

/** Quiet hours from half an hour ago to five hours ahead in Tokyo. Majuro is quiet for two more hours. */
async function quietNow(): Promise<void> {
  const now = (await world.clock()).getTime();
  const time = (at: number) => localTimeOf(at, 'Asia/Tokyo').slice(11);
  const quietHours = { from: time(now - HOUR / 2), to: time(now + 5 * HOUR), action: 'hold' };
  const { status, body } = await shop.call(shop.operator, 'PUT', '/v1/app/contact-rules', { quietHours });
  expect(status, JSON.stringify(body)).toBe(200);
}

interface PushBody {
  id: string;
  status: string;
  startedAt: string | null;
  statistics: { held: number; statistics: Record<string, unknown> };
}

/** The task's latest push with its live numbers, whose sums must reconcile at any moment. */
async function pushOf(taskId: string): Promise<PushBody | undefined> {
  const { body } = await shop.call<{ latestPush: PushBody | null }>(
    shop.marketer,
    'GET',
    `/v1/tasks/${taskId}`,
  );
  if (body.latestPush === null) return undefined;
  const { planned, matched, losses, suppressed, pending, sent, notSent } = body.latestPush.statistics
    .statistics as Record<string, number>;
  expect(planned).toBe((matched ?? 0) + (losses ?? 0));
  expect(matched).toBe((suppressed ?? 0) + (pending ?? 0) + (sent ?? 0) + (notSent ?? 0));
  expect(body.latestPush.statistics.held).toBeLessThanOrEqual(pending ?? 0);
  return body.latestPush;
}

async function reaches(taskId: string, figures: object, held: number, status?: string): Promise<PushBody> {
  const matches = (push: PushBody | undefined) =>
    push !== undefined &&
    push.statistics.held === held &&
    (status === undefined || push.status === status) &&
    Object.entries(figures).every(
      ([name, value]) => JSON.stringify(push.statistics.statistics[name]) === JSON.stringify(value),
    );
  const push = await until(() => pushOf(taskId), matches);
  if (push === undefined) throw new Error('the task has no push');
  return push;
}

async function start(who: { id: string }, more: object = {}): Promise<{ taskId: string; at: number }> {
  await quietNow();
  const taskId = await createTask(shop, { audience: who, ...more });
  await submitAndApprove(shop, taskId);
  const push = await until(
    () => pushOf(taskId),
    (one) => one?.status === 'sending',
  );
  expect(push).toBeDefined();
  return { taskId, at: (await world.clock()).getTime() };
}

const sleepUntil = (at: number) => passTime(world.env, at);

const processed = async () => (await world.simulators.control.counts()).processed;

test('devices in quiet hours stay pending until those end in their zone, also through a pause and a stop, never past the window', async () => {
  const before = await processed();
  const { taskId, at } = await start(everywhere);
  await reaches(taskId, { planned: 12, pending: 6, sent: 6 }, 6);
  expect((await callAction(shop, shop.marketer, taskId, 'pause')).status).toBe(200);
  await reaches(taskId, { pending: 6, sent: 6 }, 6, 'paused');
  await sleepUntil(at + HOUR);
  expect((await callAction(shop, shop.marketer, taskId, 'resume')).status).toBe(200);
  await reaches(taskId, { pending: 6, sent: 6 }, 6, 'sending');
  expect((await shop.call(shop.operator, 'POST', '/v1/app/stop', { reason: 'look' })).status).toBe(200);
  await sleepUntil(at + 2.2 * HOUR);
  await reaches(taskId, { pending: 6, sent: 6 }, 3, 'paused');
  expect((await shop.call(shop.operator, 'POST', '/v1/app/resume')).status).toBe(200);
  await reaches(taskId, { pending: 3, sent: 9 }, 3, 'sending');
  await sleepUntil(at + 3.8 * HOUR);
  await reaches(taskId, { pending: 3, sent: 9 }, 3, 'sending');
  await sleepUntil(at + (WINDOW_HOURS + 0.1) * HOUR);
  const push = await reaches(
    taskId,
    { pending: 0, sent: 9, notSent: 3, notSentReasons: { window_closed: 3 } },
    0,
    'completed',
  );
  expect((await processed()) - before).toBe(9);
  await recordHistory(world, push.id, 'push-held');
});

test('a push whose devices are all held back begins when quiet hours end, and is not late then', async () => {
  const { taskId, at } = await start(tokyo, { latePolicy: { action: 'skip', afterMinutes: 10 } });
  await reaches(taskId, { planned: 3, pending: 3, sent: 0 }, 3);
  await sleepUntil(at + 4.9 * HOUR);
  expect((await reaches(taskId, { pending: 3, sent: 0 }, 3)).startedAt).toBeNull();
  await sleepUntil(at + 5.1 * HOUR);
  const push = await reaches(taskId, { planned: 3, pending: 0, sent: 3 }, 0, 'collecting');
  expect(Math.abs(Date.parse(push.startedAt ?? '') - (at + 5 * HOUR))).toBeLessThan(3 * 60_000);
  await recordHistory(world, push.id, 'push-all-held');
});

test('a push held back and paused past its late policy is skipped, and a cancelled one is never sent', async () => {
  const { taskId, at } = await start(tokyo);
  await reaches(taskId, { pending: 3 }, 3);
  expect((await callAction(shop, shop.marketer, taskId, 'pause')).status).toBe(200);
  await sleepUntil(at + 6.5 * HOUR);
  expect((await callAction(shop, shop.marketer, taskId, 'resume')).status).toBe(200);
  await reaches(taskId, { pending: 0, sent: 0, notSentReasons: { skipped: 3 } }, 0, 'skipped');
  const other = await start(tokyo);
  await reaches(other.taskId, { pending: 3 }, 3);
  expect((await callAction(shop, shop.marketer, other.taskId, 'cancel')).status).toBe(200);
  await reaches(other.taskId, { pending: 0, sent: 0, notSentReasons: { cancelled: 3 } }, 0, 'cancelled');
});

test('a push at each device’s own time also waits for the end of quiet hours', async () => {
  const { taskId, at } = await start(everywhere, {
    local: { at: localTimeOf((await world.clock()).getTime(), 'Asia/Tokyo'), past: 'skip' },
  });
  // The local time passed three hours ago in Majuro, is now in Tokyo, and comes in an hour in Shanghai.
  // All three moments lie within the quiet hours.
  await reaches(taskId, { planned: 12, suppressed: 0, pending: 12, sent: 0 }, 12);
  await sleepUntil(at + 1.8 * HOUR);
  await reaches(taskId, { pending: 12, sent: 0 }, 12);
  await sleepUntil(at + 4.5 * HOUR);
  await reaches(taskId, { pending: 9, sent: 3 }, 9);
  await sleepUntil(at + 5.2 * HOUR);
  await reaches(taskId, { pending: 6, sent: 6 }, 6);
});
