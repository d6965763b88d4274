import { sql } from 'kysely';
import { beforeAll, expect, test } from 'vitest';
import { localTimeOf } from '../domain/time/local-time.ts';
import { createTimeSkipping } from './setup/temporal-environment.ts';
import { until } from './wait.ts';
import { createSchedules } from './world/schedules.ts';
import { createTask, everybody, openShop, type Shop, submitAndApprove } from './world/shop.ts';
import { useWorld } from './world/world.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const ZONES = ['Asia/Tokyo', 'Europe/Berlin', 'America/New_York'];

const schedules = createSchedules(() => world.env);
const world = useWorld(createTimeSkipping, { schedules: schedules.client });
let shop: Shop;
let audience: { id: string };
beforeAll(async () => {
  shop = await openShop(world);
  const rows = ZONES.map((zone, n) => `d${n},ios,${`${n}`.padStart(64, '0')},${zone}`);
  const csv = ['device_id,platform,token,time_zone', ...rows].join('\n');
  const { status, body } = await shop.call(shop.marketer, 'POST', '/v1/devices/import', csv);
  if (status >= 300) throw new Error(JSON.stringify(body));
  audience = { id: await everybody(shop) };
});

const now = async () => (await world.clock()).getTime();
const statusOf = async (taskId: string) =>
  (await shop.call<{ status: string }>(shop.marketer, 'GET', `/v1/tasks/${taskId}`)).body.status;

async function reaches(taskId: string, status: string): Promise<void> {
  await until(
    () => statusOf(taskId),
    (one) => one === status,
  );
}

async function recurring(recurrence: object, more: object = {}): Promise<string> {
  const taskId = await createTask(shop, { audience, pushType: 'recurring', recurrence, ...more });
  await submitAndApprove(shop, taskId);
  return taskId;
}

async function pushesOf(taskId: string) {
  return await world.db
    .selectFrom('pushes')
    .select(['no', 'status', 'due_at', 'started_at', 'status_reason'])
    .where('task_id', '=', taskId)
    .orderBy('seq')
    .execute();
}

/** Lets the time pass in steps, so that each push has begun before the next is due. */
async function pass(taskId: string, to: number, stepMs: number): Promise<void> {
  while ((await now()) < to) {
    await schedules.sleepTo(Math.min(to, (await now()) + stepMs));
    await until(
      () => pushesOf(taskId),
      (pushes) => pushes.every(({ status }) => status !== 'preparing' && status !== 'sending'),
    );
  }
}

/** Midnight UTC of the next 1 January. */
async function newYear(): Promise<number> {
  return Date.UTC(new Date(await now()).getUTCFullYear() + 1, 0, 1);
}

function lastSundayOf(month: number, year: number): string {
  const last = new Date(Date.UTC(year, month, 0));
  return new Date(last.getTime() - last.getUTCDay() * DAY).toISOString().slice(0, 10);
}

test('weekly over both changes of the clocks: each Sunday at its local time, none in the skipped hour, one in the repeated hour', async () => {
  const from = await newYear();
  const year = new Date(from).getUTCFullYear();
  const spring = lastSundayOf(3, year);
  const autumn = lastSundayOf(10, year);
  const startAt = new Date(Date.parse(spring) - 17 * DAY).toISOString();
  const endAt = new Date(Date.parse(autumn) + 8 * DAY).toISOString();
  const rule = { every: 'week', on: ['sunday'], at: '02:30' };
  const taskId = await recurring({ rule, timeZone: 'Europe/Berlin', startAt, endAt });
  await pass(taskId, Date.parse(endAt) + DAY, 7 * DAY);
  await reaches(taskId, 'collecting');
  const pushes = await pushesOf(taskId);
  const locals = pushes.map(({ due_at }) => localTimeOf(due_at.getTime(), 'Europe/Berlin'));
  const sundays: string[] = [];
  for (let day = Date.parse(spring) - 14 * DAY; day < Date.parse(endAt); day += 7 * DAY) {
    const date = new Date(day).toISOString().slice(0, 10);
    if (date !== spring) sundays.push(`${date}T02:30`);
  }
  expect(locals).toEqual(sundays);
  expect(locals.filter((local) => local.startsWith(autumn))).toHaveLength(1);
  for (const { started_at: startedAt, due_at: dueAt } of pushes) {
    expect((startedAt?.getTime() ?? 0) - dueAt.getTime()).toBeLessThan(5 * 60_000);
  }
  await schedules.sleepTo((await now()) + 14 * DAY);
  await reaches(taskId, 'completed');
  expect(new Set((await pushesOf(taskId)).map(({ status }) => status))).toEqual(new Set(['completed']));
}, 240_000);

test('monthly on the 31st up to the count: months without that day have no push', async () => {
  const taskId = await recurring({
    rule: { every: 'month', on: [31], at: '09:00' },
    timeZone: 'America/New_York',
    count: 5,
  });
  const start = await now();
  while ((await statusOf(taskId)) !== 'completed') {
    await pass(taskId, (await now()) + 31 * DAY, 31 * DAY);
    if ((await now()) > start + 400 * DAY) throw new Error('the task did not end at its count');
  }
  const locals = (await pushesOf(taskId)).map(({ due_at }) =>
    localTimeOf(due_at.getTime(), 'America/New_York'),
  );
  expect(locals).toHaveLength(5);
  expect(locals.map((local) => local.slice(8))).toEqual(Array(5).fill('31T09:00'));
}, 240_000);

test('daily, while three or more pushes still collect: no day is skipped', async () => {
  const taskId = await recurring({ rule: { every: 'day', at: '12:00' }, timeZone: 'Asia/Tokyo', count: 8 });
  const together: number[] = [];
  const start = await now();
  while ((await pushesOf(taskId)).length < 8) {
    await pass(taskId, (await now()) + DAY, DAY);
    together.push((await pushesOf(taskId)).filter(({ status }) => status === 'collecting').length);
    if ((await now()) > start + 12 * DAY) throw new Error('a day was skipped');
  }
  expect(Math.max(...together)).toBeGreaterThanOrEqual(3);
  const days = (await pushesOf(taskId)).map(({ due_at }) => due_at.getTime());
  expect(days.map((at) => (at - (days[0] ?? 0)) / DAY)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  await schedules.sleepTo((await now()) + 4 * DAY);
  await reaches(taskId, 'completed');
  expect((await pushesOf(taskId)).every(({ status }) => status === 'completed')).toBe(true);
}, 120_000);

test('each week at each device’s own time: every push in waves of its own, each with one window', async () => {
  const rule = { every: 'week', on: ['wednesday'], at: '09:00' };
  const taskId = await recurring({ rule, count: 3 }, { local: { past: 'skip' } });
  for (const seq of [1, 2, 3]) {
    const start = await now();
    while ((await pushesOf(taskId)).length < seq) {
      await schedules.sleepTo((await now()) + 6 * HOUR);
      if ((await now()) > start + 8 * DAY) throw new Error('no push started');
    }
    await schedules.sleepTo((await now()) + 30 * HOUR);
    const { rows } = await until(
      () =>
        sql<{ id: string; due_at: Date; settled_at: Date | null }>`
        select d.device_id as id, l.due_at, d.settled_at from pushes p join leases l on l.push_no = p.no
          join deliveries d on d.push_no = p.no and d.delivery_no between l.first_no and l.last_no
        where p.task_id = ${taskId} and p.seq = ${seq} order by 1`.execute(world.db),
      (answer) => answer.rows.length === 3 && answer.rows.every((row) => row.settled_at !== null),
    );
    for (const [n, { due_at: dueAt, settled_at: sentAt }] of rows.entries()) {
      expect(localTimeOf(dueAt.getTime(), ZONES[n] ?? ''), ZONES[n]).toMatch(/T09:00$/);
      expect((sentAt?.getTime() ?? 0) - dueAt.getTime()).toBeLessThan(5 * 60_000);
    }
    expect(new Set(rows.map(({ due_at: dueAt }) => dueAt.getTime())).size).toBe(3);
  }
  await schedules.sleepTo((await now()) + 8 * DAY);
  await reaches(taskId, 'completed');
  expect((await pushesOf(taskId)).map(({ status }) => status)).toEqual(Array(3).fill('completed'));
}, 120_000);
