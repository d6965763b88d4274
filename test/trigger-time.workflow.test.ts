import { MockActivityEnvironment } from '@temporalio/testing';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createTriggerActivities } from '../activities/trigger-activities.ts';
import { ENTRY_STATES } from '../db/triggers/triggers.ts';
import { closingOf, hourOf } from '../domain/tasks/trigger-hour.ts';
import { createMac } from '../security/message-mac.ts';
import { recordHistory } from './replay/record.ts';
import { createTimeSkipping } from './setup/temporal-environment.ts';
import { until } from './wait.ts';
import { callAction, createTask, everybody, openShop, type Shop, submitAndApprove } from './world/shop.ts';
import { createWorld, type World } from './world/world.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

let world: World;
let shop: Shop;
let audience: { id: string };
beforeEach(async () => {
  world = await createWorld(createTimeSkipping);
  shop = await openShop(world);
  const rows = Array.from({ length: 10 }, (_, n) => `d${n},ios,${n.toString(16).padStart(64, '0')},u${n}`);
  const csv = ['device_id,platform,token,user_id', ...rows].join('\n');
  const { status, body } = await shop.call(shop.marketer, 'POST', '/v1/devices/import', csv);
  if (status >= 300) throw new Error(JSON.stringify(body));
  audience = { id: await everybody(shop) };
});
afterEach(() => world.close());

let events = 0;
async function happens(name: string, users: readonly string[], properties = {}): Promise<void> {
  const at = (await world.clock()).toISOString();
  const items = users.map((userId) => ({ id: `e${++events}`, name, userId, at, properties }));
  const { status, body } = await shop.call(shop.marketer, 'POST', '/v1/events', { events: items });
  expect(status, JSON.stringify(body)).toBeLessThan(300);
}

/** Runs the matcher once. While its activity runs, the server's time does not skip. */
async function look(): Promise<void> {
  const { db, clock, env } = world;
  const approvalMac = createMac(Buffer.alloc(32), 'approval');
  const deps = { db, clock, log: pino({ level: 'error' }), approvalMac, receiptWindowMs: 72 * HOUR };
  const activity = new MockActivityEnvironment({}, { client: env.client });
  await activity.run(createTriggerActivities(deps).runTriggers, { everyMs: 20, forMs: 20 });
}

interface PushBody {
  id: string;
  seq: number;
  status: string;
  dueAt: string;
  startedAt: string | null;
  windowEndsAt: string | null;
  statistics: { final: boolean; statistics: Record<string, number> & { lossReasons: object } };
}
async function pushesOf(taskId: string): Promise<PushBody[]> {
  const path = `/v1/tasks/${taskId}/pushes`;
  const { body } = await shop.call<{ items: PushBody[] }>(shop.marketer, 'GET', path);
  return body.items.toSorted((a, b) => a.seq - b.seq);
}
async function statusOf(taskId: string): Promise<string> {
  return (await shop.call<{ status: string }>(shop.marketer, 'GET', `/v1/tasks/${taskId}`)).body.status;
}
const reaches = (taskId: string, status: string) =>
  until(
    () => statusOf(taskId),
    (now) => now === status,
  );

async function triggered(trigger: object, more: object = {}): Promise<string> {
  const taskId = await createTask(shop, { audience, pushType: 'trigger', trigger, ...more });
  await submitAndApprove(shop, taskId);
  const armed = () =>
    world.db.selectFrom('triggers').select('task_id').where('task_id', '=', taskId).execute();
  await until(armed, (rows) => rows.length === 1);
  return taskId;
}

/** Runs the matcher until the last push has sent to that many devices. */
async function sends(taskId: string, seq: number, count: number): Promise<PushBody> {
  const push = await until(
    async () => {
      await look();
      return (await pushesOf(taskId))[seq - 1];
    },
    (one) => (one?.statistics.statistics['sent'] ?? 0) >= count,
  );
  expect(push?.statistics.statistics).toMatchObject({ sent: count });
  if (push === undefined) throw new Error('the task has no push');
  return push;
}

async function sleepTo(at: number): Promise<void> {
  await world.env.sleep(Math.max(1, at - (await world.clock()).getTime()));
}

/** Moves the time to the next hour, so that a step of some minutes stays within a clock hour. */
async function toNextHour(): Promise<number> {
  const hour = closingOf((await world.clock()).getTime());
  const next = hourOf(hour);
  await sleepTo(next + MINUTE);
  return next;
}

async function statesOf(taskId: string): Promise<Record<string, string | undefined>> {
  const rows = await world.db
    .selectFrom('trigger_entries')
    .select(['user_id', 'state'])
    .where('task_id', '=', taskId)
    .execute();
  return Object.fromEntries(rows.map(({ user_id: user, state }) => [user, ENTRY_STATES[state]]));
}

test('a push takes users until its clock hour ends, then collects for 72 hours from its first request, and the next hour has a push of its own', async () => {
  const taskId = await triggered({ event: 'paid' });
  const hour = await toNextHour();
  await happens('paid', ['u0', 'u1', 'nobody']);
  const first = await sends(taskId, 1, 2);
  expect(Date.parse(first.dueAt)).toBe(hour);
  await sleepTo(hour + 50 * MINUTE);
  await happens('paid', ['u2']);
  expect((await sends(taskId, 1, 3)).status).toBe('sending');
  expect(await statusOf(taskId)).toBe('sending');
  await sleepTo(hour + 61 * MINUTE);
  await reaches(taskId, 'scheduled');
  const [closed] = await pushesOf(taskId);
  expect(closed).toMatchObject({
    status: 'collecting',
    statistics: { statistics: { planned: 4, matched: 3, pending: 0, lossReasons: { unknown_user: 1 } } },
  });
  const { startedAt, windowEndsAt } = closed ?? {};
  expect(Date.parse(windowEndsAt ?? '') - Date.parse(startedAt ?? '')).toBe(72 * HOUR);
  expect(Date.parse(startedAt ?? '') - hour).toBeLessThan(5 * MINUTE);
  await happens('paid', ['u3']);
  const second = await sends(taskId, 2, 1);
  expect(Date.parse(second.dueAt)).toBe(hour + HOUR);
  await sleepTo(hour + 2 * HOUR + MINUTE);
  await reaches(taskId, 'scheduled');
  await sleepTo(hour + 72 * HOUR + 10 * MINUTE);
  const ended = await until(
    () => pushesOf(taskId),
    ([one]) => one?.status === 'completed',
  );
  expect(ended.map(({ status, statistics }) => [status, statistics.final])).toEqual([
    ['completed', true],
    ['collecting', false],
  ]);
  expect(await statusOf(taskId)).toBe('scheduled');
  await sleepTo(hour + 74 * HOUR + 10 * MINUTE);
  await until(
    () => pushesOf(taskId),
    (all) => all.every(({ status }) => status === 'completed'),
  );
  await recordHistory(world, closed?.id ?? '', 'push-joined-to-the-end');
  await recordHistory(world, taskId, 'trigger-hours');
});

test('a delayed user waits, the unless-event within the delay cancels, and events with other properties enter no user', async () => {
  const trigger = { event: 'left', filter: { cart: 'full' }, delayMinutes: 120, unless: 'bought' };
  const taskId = await triggered(trigger);
  const hour = await toNextHour();
  await happens('left', ['u0', 'u1'], { cart: 'full', items: 3 });
  await happens('left', ['u2'], { cart: 'empty' });
  await look();
  expect(await statesOf(taskId)).toEqual({ u0: 'waiting', u1: 'waiting' });
  await sleepTo(hour + 100 * MINUTE);
  await look();
  expect(await pushesOf(taskId)).toEqual([]);
  await happens('bought', ['u1']);
  await sleepTo(hour + 122 * MINUTE);
  const push = await sends(taskId, 1, 1);
  expect(Date.parse(push.dueAt)).toBe(hour + 2 * HOUR);
  expect(push.statistics.statistics).toMatchObject({ planned: 1 });
  expect(await statesOf(taskId)).toEqual({ u0: 'pushed', u1: 'cancelled' });
});

test('a user enters again only after the hours of the rule, and in another push', async () => {
  const taskId = await triggered({ event: 'paid', reentry: { rule: 'after', hours: 24 } });
  const hour = await toNextHour();
  await happens('paid', ['u0']);
  await sends(taskId, 1, 1);
  await sleepTo(hour + 23 * HOUR);
  await happens('paid', ['u0', 'u1']);
  await sends(taskId, 2, 1);
  await sleepTo(hour + 24 * HOUR + 5 * MINUTE);
  await happens('paid', ['u0', 'u1']);
  await sends(taskId, 3, 1);
  expect(await statesOf(taskId)).toEqual({ u0: 'pushed', u1: 'pushed' });
});

test('after its end and the delay the task collects and completes, and users that are late by then are skipped', async () => {
  const now = (await world.clock()).getTime();
  const endAt = now + 3 * HOUR;
  const trigger = { event: 'paid', delayMinutes: 30, endAt: new Date(endAt).toISOString() };
  const taskId = await triggered(trigger);
  await sleepTo(endAt - 10 * MINUTE);
  await happens('paid', ['u0', 'u1']);
  await look();
  await sleepTo(endAt + MINUTE);
  await happens('paid', ['u2']);
  await look();
  expect(await statesOf(taskId)).toEqual({ u0: 'waiting', u1: 'waiting' });
  await sleepTo(endAt + 21 * MINUTE);
  await sends(taskId, 1, 2);
  await sleepTo(endAt + 2 * HOUR);
  await reaches(taskId, 'collecting');
  const left = () =>
    world.db.selectFrom('triggers').select('task_id').where('task_id', '=', taskId).execute();
  await until(left, (rows) => rows.length === 0);
  await sleepTo(endAt + 75 * HOUR);
  await reaches(taskId, 'completed');
});

test('users due while the task is paused over the end of the hour get the push of a later hour, or are skipped when too late', async () => {
  const taskId = await triggered({ event: 'paid' }, { latePolicy: { action: 'skip', afterMinutes: 90 } });
  const hour = await toNextHour();
  await happens('paid', ['u0']);
  await sends(taskId, 1, 1);
  expect((await callAction(shop, shop.marketer, taskId, 'pause')).status).toBe(200);
  await happens('paid', ['u1']);
  await sleepTo(hour + 80 * MINUTE);
  await happens('paid', ['u2']);
  await look();
  await sleepTo(hour + 150 * MINUTE);
  expect((await pushesOf(taskId)).map(({ status }) => status)).toEqual(['paused']);
  expect((await callAction(shop, shop.marketer, taskId, 'resume')).status).toBe(200);
  const second = await sends(taskId, 2, 1);
  expect(Date.parse(second.dueAt)).toBe(hour + 2 * HOUR);
  expect(await statesOf(taskId)).toEqual({ u0: 'pushed', u1: 'skipped', u2: 'pushed' });
  expect((await pushesOf(taskId))[0]?.status).toBe('collecting');
});

test('users who join in quiet hours are held back, and the push of their hour sends to them in the morning', async () => {
  const now = (await world.clock()).getTime();
  const time = (at: number) => new Date(at + 8 * HOUR).toISOString().slice(11, 16);
  const hour = closingOf(hourOf(now));
  const quietHours = { from: time(hour), to: time(hour + 5.5 * HOUR), action: 'hold' };
  expect((await shop.call(shop.operator, 'PUT', '/v1/app/contact-rules', { quietHours })).status).toBe(200);
  const taskId = await triggered({ event: 'paid' });
  await sleepTo(hour + MINUTE);
  await happens('paid', ['u0', 'u1']);
  const joined = () => pushesOf(taskId).then(([push]) => push?.statistics.statistics['pending'] ?? 0);
  await until(
    async () => {
      await look();
      return joined();
    },
    (pending) => pending === 2,
  );
  await happens('paid', ['u2']);
  await look();
  expect(await joined()).toBe(3);
  await sleepTo(hour + 5 * HOUR);
  await happens('paid', ['u3']);
  await until(
    async () => {
      await look();
      return pushesOf(taskId);
    },
    ([, second]) => second?.statistics.statistics['pending'] === 1,
  );
  expect((await pushesOf(taskId)).map(({ statistics }) => statistics.statistics)).toMatchObject([
    { planned: 3, pending: 3, sent: 0 },
    { planned: 1, pending: 1, sent: 0 },
  ]);
  await sleepTo(hour + 5.5 * HOUR + MINUTE);
  const [first, second] = await until(
    () => pushesOf(taskId),
    (pushes) => pushes.every(({ statistics }) => statistics.statistics['pending'] === 0),
  );
  expect([first, second].map((push) => push?.statistics.statistics['sent'])).toEqual([3, 1]);
  expect(first?.status).toBe('collecting');
  await recordHistory(world, second?.id ?? '', 'push-joined-held');
});
