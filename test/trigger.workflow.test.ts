import { afterAll, beforeAll, expect, test } from 'vitest';
import { hourOf } from '../domain/tasks/trigger-hour.ts';
import { TASK_QUEUE, TRIGGERS } from '../domain/workflows/contract.ts';
import { recordHistory } from './replay/record.ts';
import { createLocal } from './setup/temporal-environment.ts';
import { until } from './wait.ts';
import { callAction, createTask, everybody, openShop, type Shop, submitAndApprove } from './world/shop.ts';
import { createWorld, type World } from './world/world.ts';

let world: World;
let shop: Shop;
let audience: { id: string };
beforeAll(async () => {
  world = await createWorld(createLocal);
  shop = await openShop(world);
  const rows = Array.from({ length: 40 }, (_, n) => `d${n},ios,${n.toString(16).padStart(64, '0')},u${n}`);
  const csv = ['device_id,platform,token,user_id', ...rows].join('\n');
  const { status, body } = await shop.call(shop.marketer, 'POST', '/v1/devices/import', csv);
  if (status >= 300) throw new Error(JSON.stringify(body));
  audience = { id: await everybody(shop) };
  await world.env.client.workflow.start(TRIGGERS, {
    workflowId: TRIGGERS,
    taskQueue: TASK_QUEUE,
    args: [{ everyMs: 100, forMs: 2000 }],
  });
});
afterAll(async () => {
  await world.env.client.workflow.getHandle(TRIGGERS).terminate();
  await world.close();
});

let events = 0;
async function happens(name: string, users: readonly string[]): Promise<void> {
  const at = new Date().toISOString();
  const items = users.map((userId) => ({ id: `e${++events}`, name, userId, at }));
  const { status, body } = await shop.call(shop.marketer, 'POST', '/v1/events', { events: items });
  expect(status, JSON.stringify(body)).toBeLessThan(300);
}

interface TaskBody {
  status: string;
  warnings: { code: string; detail: string }[];
  latestPush: {
    id: string;
    status: string;
    statusReason: string | null;
    dueAt: string;
    statistics: { statistics: Record<string, number> };
  } | null;
}
const read = async (taskId: string) =>
  (await shop.call<TaskBody>(shop.marketer, 'GET', `/v1/tasks/${taskId}`)).body;
const figure = (task: TaskBody, name: string) => task.latestPush?.statistics.statistics[name] ?? 0;

async function triggered(trigger: object, who = audience): Promise<string> {
  const taskId = await createTask(shop, { audience: who, pushType: 'trigger', trigger });
  await submitAndApprove(shop, taskId);
  const armed = () =>
    world.db.selectFrom('triggers').select('task_id').where('task_id', '=', taskId).execute();
  await until(armed, (rows) => rows.length === 1);
  return taskId;
}

test('users of an event join the push of their clock hour once, and after a cancel no event counts', async () => {
  const taskId = await triggered({ event: 'paid' });
  await happens('paid', ['u0', 'u1', 'u2', 'nobody']);
  const first = await until(
    () => read(taskId),
    (task) => figure(task, 'sent') === 3,
  );
  expect(first.status).toBe('sending');
  await happens('paid', ['u2', 'u3']);
  const second = await until(
    () => read(taskId),
    (task) => figure(task, 'sent') >= 4,
  );
  expect(second.latestPush?.statistics.statistics).toMatchObject({
    planned: 5,
    matched: 4,
    losses: 1,
    pending: 0,
  });
  if (second.latestPush?.id === first.latestPush?.id) {
    expect(Date.parse(second.latestPush?.dueAt ?? '')).toBe(
      hourOf(Date.parse(second.latestPush?.dueAt ?? '')),
    );
  }
  expect((await callAction(shop, shop.marketer, taskId, 'cancel')).status).toBe(200);
  const triggers = () =>
    world.db.selectFrom('triggers').select('task_id').where('task_id', '=', taskId).execute();
  await until(triggers, (rows) => rows.length === 0);
  await until(
    () => read(taskId),
    (task) => task.latestPush?.status === 'cancelled',
  );
  await recordHistory(world, taskId, 'trigger');
  await recordHistory(world, second.latestPush?.id ?? '', 'push-joined');
});

test('users who enter while the task is paused get the push after the resume', async () => {
  const taskId = await triggered({ event: 'signed up' });
  await happens('signed up', ['u10']);
  await until(
    () => read(taskId),
    (task) => figure(task, 'sent') === 1,
  );
  expect((await callAction(shop, shop.marketer, taskId, 'pause')).status).toBe(200);
  await happens('signed up', ['u11', 'u12']);
  const waiting = () =>
    world.db.selectFrom('trigger_entries').select('state').where('task_id', '=', taskId).execute();
  await until(waiting, (rows) => rows.length === 3);
  expect(figure(await read(taskId), 'sent')).toBe(1);
  await callAction(shop, shop.marketer, taskId, 'resume');
  await until(
    () => read(taskId),
    (task) => figure(task, 'sent') === 3,
  );
  await callAction(shop, shop.marketer, taskId, 'cancel');
});

test('a task whose audience cannot be computed does not hold up other tasks', async () => {
  const gone = await everybody(shop);
  const broken = await triggered({ event: 'gone' }, { id: gone });
  const sound = await triggered({ event: 'gone' });
  await world.db.deleteFrom('audience_versions').where('audience_id', '=', gone).execute();
  await happens('gone', ['u20', 'u21']);
  await until(
    () => read(sound),
    (task) => figure(task, 'sent') === 2,
  );
  const shown = await until(
    () => read(broken),
    ({ latestPush }) => latestPush?.statusReason != null,
  );
  expect(figure(shown, 'planned')).toBe(0);
  const reason = `the audience cannot be computed: there is no version 1 of ${gone}`;
  expect(shown.latestPush).toMatchObject({
    status: expect.stringMatching(/^(preparing|sending)$/),
    statusReason: reason,
  });
  expect(shown.warnings).toContainEqual({
    code: 'audience_unreadable',
    detail: `A push sent now would reach nobody: ${reason}`,
  });
  type Lines = { items: { action: string; via: string; detail: string }[] };
  const { body } = await shop.call<Lines>(shop.marketer, 'GET', `/v1/tasks/${broken}/audit`);
  expect(body.items.filter(({ action }) => action === 'join')).toEqual([
    expect.objectContaining({ via: 'event', detail: `${shown.latestPush?.id}: ${reason}` }),
  ]);
  for (const taskId of [broken, sound]) await callAction(shop, shop.marketer, taskId, 'cancel');
});

test('bad triggers are refused with a pointer to the fault', async () => {
  const bad: [object, string][] = [
    [{}, '/trigger/event'],
    [{ event: 'a', unless: 'b' }, '/trigger/unless'],
    [{ event: 'a', delayMinutes: 5, unless: 'a' }, '/trigger/unless'],
    [{ event: 'a', filter: { cart: ['full'] } }, '/trigger/filter/cart'],
    [{ event: 'a', filter: { cart: 'a\0b' } }, '/trigger/filter/cart'],
    [{ event: 'a', endAt: '2020-01-01T00:00:00Z' }, '/trigger/endAt'],
    [{ event: 'a', startAt: '2030-01-02T00:00:00Z', endAt: '2030-01-01T00:00:00Z' }, '/trigger/endAt'],
    [{ event: 'a', reentry: { rule: 'after', hours: 0 } }, '/trigger/reentry/hours'],
  ];
  for (const [trigger, pointer] of bad) {
    const task = { name: 'Bad', audience, pushType: 'trigger', content: { title: 'a', body: 'b' }, trigger };
    const { status, body } = await shop.call(shop.marketer, 'POST', '/v1/tasks', task);
    expect(status, JSON.stringify(body)).toBe(400);
    expect((body['errors'] as { pointer: string }[]).map((error) => error.pointer)).toContain(pointer);
  }
});
