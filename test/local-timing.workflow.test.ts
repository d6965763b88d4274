import { afterAll, beforeAll, expect, test } from 'vitest';
import { FIRST_ZONE, firstMomentOf } from '../domain/schedule/waves.ts';
import { daysAfter, localTimeOf } from '../domain/time/local-time.ts';
import { recordHistory } from './replay/record.ts';
import { createTimeSkipping } from './setup/temporal-environment.ts';
import { until } from './wait.ts';
import { callAction, createTask, everybody, openShop, type Shop, submitAndApprove } from './world/shop.ts';
import { createWorld, type World } from './world/world.ts';

const HOUR = 3_600_000;
/**
 * Each zone has four devices, iOS and Android. The last four have no zone and use the app's, Asia/Shanghai.
 */
const ZONES = ['Pacific/Kiritimati', 'Asia/Shanghai', 'Europe/Berlin', 'America/New_York', ''];

let world: World;
let shop: Shop;
let audience: { id: string };
beforeAll(async () => {
  world = await createWorld(createTimeSkipping);
  shop = await openShop(world);
  const rows = ZONES.flatMap((zone, z) =>
    [0, 1, 2, 3].map((n) => {
      const no = z * 4 + n + 1;
      const token =
        n % 2 === 0 ? no.toString(16).padStart(64, '0') : `fcm-token-${String(no).padStart(40, '0')}`;
      return `d${no},${n % 2 === 0 ? 'ios' : 'android'},${token},${zone}`;
    }),
  );
  const csv = ['device_id,platform,token,time_zone', ...rows].join('\n');
  const { status, body } = await shop.call(shop.marketer, 'POST', '/v1/devices/import', csv);
  if (status >= 300) throw new Error(JSON.stringify(body));
  audience = { id: await everybody(shop) };
});
afterAll(() => world.close());

interface PushBody {
  id: string;
  status: string;
  startedAt: string;
  windowEndsAt: string;
  statistics: { statistics: Record<string, unknown> & { sent: number; pending: number } };
}

async function pushOf(taskId: string): Promise<PushBody | undefined> {
  const { body } = await shop.call<{ latestPush: PushBody | null }>(
    shop.marketer,
    'GET',
    `/v1/tasks/${taskId}`,
  );
  return body.latestPush ?? undefined;
}
const sent = (push: PushBody | undefined) => push?.statistics.statistics.sent ?? 0;

test('each device is sent to when its own clock shows the time, in one push with one window', async () => {
  const at = daysAfter(localTimeOf((await world.clock()).getTime(), FIRST_ZONE), 1);
  const first = firstMomentOf(at);
  const taskId = await createTask(shop, { audience, local: { at } });
  await submitAndApprove(shop, taskId);
  const expected: [hours: number, count: number][] = [
    [-1, 0],
    [0.5, 4],
    // Shanghai is six hours behind Kiritimati. Devices without a zone use Shanghai's.
    [5.5, 4],
    [6.5, 12],
    [12.5, 12],
    [13.5, 16],
    [20.5, 20],
  ];
  for (const [hours, count] of expected) {
    await world.env.sleep(Math.max(1, first + hours * HOUR - (await world.clock()).getTime()));
    const push = await until(
      () => pushOf(taskId),
      (now) => sent(now) >= count,
    );
    expect(sent(push)).toBe(count);
    if (hours === 6.5) {
      expect((await callAction(shop, shop.marketer, taskId, 'pause')).status).toBe(200);
      expect((await callAction(shop, shop.marketer, taskId, 'resume')).status).toBe(200);
    }
  }
  const push = await until(
    () => pushOf(taskId),
    (now) => now?.status === 'collecting',
  );
  expect(Date.parse(push?.windowEndsAt ?? '') - Date.parse(push?.startedAt ?? '')).toBe(72 * HOUR);
  expect(Math.abs(Date.parse(push?.startedAt ?? '') - first)).toBeLessThan(HOUR);
  await world.env.sleep(60 * HOUR);
  await until(
    () => pushOf(taskId),
    (now) => now?.status === 'completed',
  );
  await recordHistory(world, push?.id ?? '', 'push-waves');
});

test.each([
  ['skip', { sent: 8, suppressed: 12, suppressedReasons: { zone_passed: 12 }, pending: 0 }],
  ['send_now', { sent: 20, suppressed: 0, pending: 0 }],
  ['next_day', { sent: 8, suppressed: 0, pending: 12 }],
] as const)('in zones where the time has passed: %s', async (past, statistics) => {
  // The push time is half an hour ago in Berlin, and hours ago in Asia.
  const local = localTimeOf((await world.clock()).getTime() - HOUR / 2, 'Europe/Berlin');
  const taskId = await createTask(shop, { audience, local: { at: local, past } });
  await submitAndApprove(shop, taskId);
  await world.env.sleep(8 * HOUR);
  const push = await until(
    () => pushOf(taskId),
    (now) => sent(now) >= statistics.sent,
  );
  expect(push?.statistics.statistics).toMatchObject({ planned: 20, ...statistics });
  if (past === 'next_day') {
    await world.env.sleep(24 * HOUR);
    await until(
      () => pushOf(taskId),
      (now) => sent(now) === 20,
    );
  }
});
