import { beforeAll, expect, test } from 'vitest';
import { localTimeOf } from '../domain/time/local-time.ts';
import { createTimeSkipping } from './setup/temporal-environment.ts';
import { until } from './wait.ts';
import { createSchedules } from './world/schedules.ts';
import { createTask, everybody, openShop, type Shop, submitAndApprove } from './world/shop.ts';
import { useWorld } from './world/world.ts';

const DAY = 86_400_000;
const ZONE = 'Asia/Tokyo';

const schedules = createSchedules(() => world.env);
const world = useWorld(createTimeSkipping, { schedules: schedules.client });
let shop: Shop;
beforeAll(async () => {
  shop = await openShop(world);
  await importRows('d1,ios', 'd2,ios', 'd3,ios');
});

async function importRows(...rows: string[]): Promise<void> {
  const columns = ['device_id', 'platform', 'token', 'attributes'];
  const full = rows.map((row) => {
    const [id = '', platform = '', ...attributes] = row.split(',');
    return [id, platform, id.padStart(64, '0').replace('d', 'a'), attributes.join(',')].join(',');
  });
  const csv = [columns.join(','), ...full].join('\n');
  const { status, body } = await shop.call(shop.marketer, 'POST', '/v1/devices/import', csv);
  if (status >= 300) throw new Error(JSON.stringify(body));
}

const now = async () => (await world.clock()).getTime();
const dateAt = (at: number) => localTimeOf(at, ZONE).slice(0, 10);

async function pushesOf(taskId: string) {
  return await world.db
    .selectFrom('pushes')
    .select(['no', 'status', 'due_at'])
    .where('task_id', '=', taskId)
    .orderBy('seq')
    .execute();
}

async function recurring(audience: object, recurrence: object): Promise<string> {
  const taskId = await createTask(shop, { audience, pushType: 'recurring', recurrence });
  await submitAndApprove(shop, taskId);
  return taskId;
}

async function pass(taskId: string, to: number): Promise<void> {
  while ((await now()) < to) {
    await schedules.sleepTo(Math.min(to, (await now()) + DAY));
    await until(
      () => pushesOf(taskId),
      (pushes) => pushes.every(({ status }) => status !== 'preparing' && status !== 'sending'),
    );
  }
}

async function reaches(taskId: string, status: string): Promise<void> {
  await until(
    async () =>
      (await shop.call<{ status: string }>(shop.marketer, 'GET', `/v1/tasks/${taskId}`)).body.status,
    (one) => one === status,
  );
}

test('every second week has a push, and the task ends although its Schedule has weeks that are not due', async () => {
  const audience = { id: await everybody(shop) };
  const today = Date.parse(`${dateAt(await now())}T00:00Z`);
  const monday = today + ((8 - new Date(today).getUTCDay()) % 7 || 7) * DAY;
  const startAt = new Date(monday).toISOString();
  const endAt = new Date(monday + 36 * DAY).toISOString();
  const rule = { every: 'week', interval: 2, on: ['monday'], at: '12:00' };
  const taskId = await recurring(audience, { rule, timeZone: ZONE, startAt, endAt });
  await pass(taskId, monday + 37 * DAY);
  await reaches(taskId, 'completed');
  const dates = (await pushesOf(taskId)).map(({ due_at }) => dateAt(due_at.getTime()));
  expect(dates).toEqual([0, 14, 28].map((days) => dateAt(monday + days * DAY)));
}, 240_000);

test('a daily push reaches those whose date is in three days, by a rule that was approved once', async () => {
  await shop.call(shop.operator, 'PATCH', '/v1/app', { timeZone: ZONE });
  const today = await now();
  const ends = (days: number) => `"{""ends"":""${dateAt(today + days * DAY)}""}"`;
  await importRows(`d1,ios,${ends(4)}`, `d2,ios,${ends(5)}`, `d3,ios,${ends(40)}`);
  const rule = { field: 'attribute', name: 'ends', op: 'in_days', days: 3 };
  const made = await shop.call<{ id: string }>(shop.marketer, 'POST', '/v1/audiences', {
    name: 'Ends in three days',
    kind: 'rule',
    rule,
  });
  const taskId = await recurring({ id: made.body.id }, { rule: { every: 'day', at: '23:30' }, count: 4 });
  const reached = new Set<string>();
  for (const days of [1, 2, 3, 4, 5]) {
    if (days === 3) await importRows(`d3,ios,${ends(6)}`);
    await pass(taskId, today + days * DAY);
    for (const one of await deliveriesOf(taskId)) reached.add(one);
  }
  expect([...reached]).toEqual([1, 2, 3].map((days) => `${dateAt(today + days * DAY)} d${days}`));
}, 240_000);

async function deliveriesOf(taskId: string): Promise<string[]> {
  const rows = await world.db
    .selectFrom('pushes')
    .innerJoin('deliveries', 'deliveries.push_no', 'pushes.no')
    .select(['pushes.due_at', 'deliveries.device_id'])
    .where('pushes.task_id', '=', taskId)
    .orderBy('pushes.seq')
    .execute();
  return rows.map((one) => `${dateAt(one.due_at.getTime())} ${one.device_id}`);
}
