import { ScheduleNotFoundError } from '@temporalio/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { calendarsOf, nextOccurrence, type Recurrence } from '../domain/schedule/recurrence.ts';
import { HOUSEKEEPING, TASK_QUEUE } from '../domain/workflows/contract.ts';
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

const WINDOW_MS = 4000;
const YEARLY = { rule: { every: 'cron', cron: '0 0 1 1 *' }, timeZone: 'UTC' } as const;

let world: World;
let shop: Shop;
let audience: { id: string };
beforeAll(async () => {
  world = await createWorld(createLocal, { receiptWindowMs: WINDOW_MS });
  shop = await openShop(world);
  await importDevices(shop, 20);
  audience = { id: await everybody(shop) };
});
afterAll(() => world.close());

const scheduleOf = (taskId: string) =>
  world.env.client.schedule.getHandle(taskId.replace('task-', 'schedule-'));

async function isGone(taskId: string): Promise<boolean> {
  try {
    await scheduleOf(taskId).describe();
    return false;
  } catch (error) {
    return error instanceof ScheduleNotFoundError;
  }
}

interface TaskBody {
  status: string;
  statusReason: string | null;
}
const read = async (taskId: string) =>
  (await shop.call<TaskBody>(shop.marketer, 'GET', `/v1/tasks/${taskId}`)).body;

async function reaches(taskId: string, status: string): Promise<TaskBody> {
  return await until(
    () => read(taskId),
    (task) => task.status === status,
  );
}

async function pushesOf(taskId: string): Promise<{ seq: number; status: string }[]> {
  const { body } = await shop.call<{ items: { seq: number; status: string }[] }>(
    shop.marketer,
    'GET',
    `/v1/tasks/${taskId}/pushes`,
  );
  return body.items.toSorted((a, b) => a.seq - b.seq);
}

async function recurring(recurrence: object = YEARLY, more: object = {}): Promise<string> {
  const taskId = await createTask(shop, { audience, pushType: 'recurring', recurrence, ...more });
  await submitAndApprove(shop, taskId);
  return taskId;
}

/** Starts a run as the Schedule does at its time. The time of a Schedule has no fractions of a second. */
async function due(taskId: string): Promise<void> {
  await until(
    () => isGone(taskId),
    (gone) => !gone,
  );
  const second = Math.floor(Date.now() / 1000);
  await until(
    async () => Math.floor(Date.now() / 1000),
    (now) => now > second,
  );
  await scheduleOf(taskId).trigger();
}

test('each occurrence starts a push, also while earlier pushes still collect, and after the last the task collects and completes', async () => {
  const taskId = await recurring({ ...YEARLY, count: 3 });
  for (const seq of [1, 2, 3]) {
    await due(taskId);
    await until(
      () => pushesOf(taskId),
      (pushes) => pushes.length === seq,
    );
    if (seq < 3) await reaches(taskId, 'scheduled');
  }
  expect((await pushesOf(taskId)).some(({ status }) => status === 'collecting')).toBe(true);
  await reaches(taskId, 'collecting');
  expect(await isGone(taskId)).toBe(true);
  await reaches(taskId, 'completed');
  expect((await pushesOf(taskId)).map(({ status }) => status)).toEqual(Array(3).fill('completed'));
  await recordHistory(world, taskId, 'recurring');
});

test('a real Schedule of the server starts a push at its minute', async () => {
  const soon = new Date(Date.now() + 65_000);
  const rule = { every: 'cron', cron: `${soon.getUTCMinutes()} ${soon.getUTCHours()} * * *` };
  const taskId = await recurring({ rule, timeZone: 'UTC', count: 1 });
  await until(
    () => isGone(taskId),
    (gone) => !gone,
  );
  await until(
    () => pushesOf(taskId),
    (pushes) => pushes.length === 1,
    75_000,
  );
  const { body } = await shop.call<{ items: { dueAt: string }[] }>(
    shop.marketer,
    'GET',
    `/v1/tasks/${taskId}/pushes`,
  );
  expect(body.items[0]?.dueAt).toBe(new Date(Math.floor(soon.getTime() / 60_000) * 60_000).toISOString());
  await reaches(taskId, 'completed');
}, 90_000);

/** Two days before summer time next starts in the EU, on the last Sunday of March. */
function beforeSummerTime(now: number): string {
  const year = new Date(now).getUTCFullYear();
  const starts = [year, year + 1].map((each) => {
    const lastWeekday = new Date(Date.UTC(each, 2, 31)).getUTCDay();
    return Date.UTC(each, 2, 31 - lastWeekday - 2);
  });
  return new Date(starts.find((at) => at > now) ?? now).toISOString();
}

test('the server computes the same times as the product, also where clocks change', async () => {
  const recurrences: Recurrence[] = [
    { rule: { every: 'day', at: '02:30' }, timeZone: 'Europe/Berlin', startAt: beforeSummerTime(Date.now()) },
    { rule: { every: 'month', on: [29, 31], at: '00:00' }, timeZone: 'America/New_York' },
    { rule: { every: 'cron', cron: '15 3 13 * FRI' }, timeZone: 'Asia/Shanghai' },
    { rule: { every: 'month', on: [-1, 15], at: '09:00' }, timeZone: 'Europe/Berlin' },
    { rule: { every: 'cron', cron: '0 9 L 2,4 *' }, timeZone: 'Asia/Kolkata' },
  ];
  for (const recurrence of recurrences) {
    const taskId = await recurring(recurrence);
    await until(
      () => isGone(taskId),
      (gone) => !gone,
    );
    const { info } = await scheduleOf(taskId).describe();
    const theirs = info.nextActionTimes.map((at) => at.toISOString());
    expect(theirs.length).toBeGreaterThan(5);
    const ours: string[] = [];
    let at = Math.max(Date.now(), recurrence.startAt === undefined ? 0 : Date.parse(recurrence.startAt));
    for (const _ of theirs) {
      const next = nextOccurrence(calendarsOf(recurrence), recurrence.timeZone ?? 'UTC', at);
      at = next?.at ?? at;
      ours.push(new Date(at).toISOString());
    }
    expect(ours).toEqual(theirs);
    await callAction(shop, shop.marketer, taskId, 'cancel');
  }
});

test('a pause pauses the Schedule, a resume resumes it, a cancel deletes it', async () => {
  const taskId = await recurring();
  await until(
    () => isGone(taskId),
    (gone) => !gone,
  );
  await callAction(shop, shop.marketer, taskId, 'pause');
  const isPaused = async () => (await scheduleOf(taskId).describe()).state.paused;
  await until(isPaused, Boolean);
  await callAction(shop, shop.marketer, taskId, 'resume');
  await until(isPaused, (paused) => !paused);
  expect((await callAction(shop, shop.marketer, taskId, 'cancel')).status).toBe(200);
  await until(() => isGone(taskId), Boolean);
  expect(await pushesOf(taskId)).toEqual([]);
  await recordHistory(world, taskId, 'recurring-paused');
});

test('an edit deletes the Schedule, and the approval creates it with the new times', async () => {
  const taskId = await recurring();
  await until(
    () => isGone(taskId),
    (gone) => !gone,
  );
  const recurrence = { rule: { every: 'week', on: ['monday'], at: '10:00' }, timeZone: 'UTC' };
  const edit = await shop.call(shop.marketer, 'PATCH', `/v1/tasks/${taskId}`, { recurrence });
  expect(edit.status, JSON.stringify(edit.body)).toBeLessThan(300);
  await reaches(taskId, 'pending_approval');
  await until(() => isGone(taskId), Boolean);
  await callAction(shop, shop.approver, taskId, 'approve', { revision: 2 });
  await until(
    () => isGone(taskId),
    (gone) => !gone,
  );
  const { info } = await scheduleOf(taskId).describe();
  expect(info.nextActionTimes[0]?.getUTCDay()).toBe(1);
  expect((await shop.call(shop.marketer, 'DELETE', `/v1/tasks/${taskId}`)).status).toBeLessThan(300);
  await until(() => isGone(taskId), Boolean);
});

test('an end before the first push is refused', async () => {
  const endAt = new Date(Date.now() + 1500).toISOString();
  const rule = { every: 'cron', cron: '* * * * *' };
  const startAt = new Date(Date.now() + 1400).toISOString();
  const created = await shop.call(shop.marketer, 'POST', '/v1/tasks', {
    name: 'Short',
    audience,
    pushType: 'recurring',
    content: { title: 'a', body: 'b' },
    recurrence: { rule, startAt, endAt },
  });
  expect(created.body).toMatchObject({ errors: [{ pointer: '/recurrence/endAt' }] });
});

test('the Schedule of a task whose workflow was terminated is swept, that of a running task stays', async () => {
  const taskId = await recurring();
  const running = await recurring();
  const { workflow } = world.env.client;
  await workflow.getHandle(taskId).terminate();
  const listed = async () => {
    const ids: string[] = [];
    for await (const { scheduleId } of world.env.client.schedule.list()) ids.push(scheduleId);
    return [taskId, running].map((id) => ids.includes(id.replace('task-', 'schedule-')));
  };
  await until(listed, (found) => found.every(Boolean));
  await workflow.start(HOUSEKEEPING, {
    workflowId: HOUSEKEEPING,
    taskQueue: TASK_QUEUE,
    args: [{ everyMs: 300, graceMs: 0 }],
  });
  expect(await until(listed, ([found]) => found === false)).toEqual([false, true]);
  await workflow.getHandle(HOUSEKEEPING).terminate();
  expect(await isGone(taskId)).toBe(true);
  expect(await isGone(running)).toBe(false);
});
