import { beforeEach, expect, test } from 'vitest';
import { armTrigger, disarmTrigger, ENTRY } from '../../db/triggers/triggers.ts';
import { Trigger } from '../../domain/tasks/trigger.ts';
import { newTask, openShop } from '../../test/fixtures/shop-fixture.ts';
import { useTestApi } from '../../test/fixtures/test-api.ts';
import { fixture } from '../../test/setup/fixture.ts';

const api = useTestApi();
const shop = fixture(beforeEach, () => openShop(api));

async function makeTask(more: object): Promise<string> {
  const { status, body } = await shop.marketer.call('POST', '/v1/tasks', newTask(shop, { ...more }));
  if (status !== 201) throw new Error(JSON.stringify(body));
  return String(body['id']);
}
const ask = (taskId: string, by = shop.marketer) => by.call('GET', `/v1/tasks/${taskId}/trigger`);

test('shows the numbers of waiting, pushed, cancelled and skipped users, and the first due time', async () => {
  const trigger = Trigger.parse({ event: 'cart' });
  const taskId = await makeTask({ pushType: 'trigger', trigger });
  const nobody = { waiting: 0, pushed: 0, cancelled: 0, skipped: 0 };
  expect((await ask(taskId)).body).toEqual({ state: 'off', startsAt: null, users: nobody, nextDueAt: null });
  const { db } = api.deps;
  const now = api.clock.now;
  const arm = (paused: boolean) =>
    armTrigger(db, { taskId, revision: 1, trigger, graceMs: null, paused, now });
  await arm(false);
  const states = ['waiting', 'waiting', 'pushed', 'pushed', 'pushed', 'cancelled', 'skipped'] as const;
  const rows = states.map((state, n) => ({
    task_id: taskId,
    user_id: `u${n}`,
    event_at: now,
    state: ENTRY[state],
    due_at: new Date(now.getTime() - n * 1000),
    cooldown_ms: null,
    pushed_event_at: null,
    push_no: null,
  }));
  await db.insertInto('trigger_entries').values(rows).execute();
  const users = { waiting: 2, pushed: 3, cancelled: 1, skipped: 1 };
  const nextDueAt = new Date(now.getTime() - 1000).toISOString();
  const startsAt = new Date(Math.floor(now.getTime() / 1000) * 1000).toISOString();
  expect((await ask(taskId)).body).toEqual({ state: 'armed', startsAt, users, nextDueAt });
  await arm(true);
  expect((await ask(taskId)).body['state']).toBe('paused');
  await disarmTrigger(db, taskId);
  expect((await ask(taskId)).body).toEqual({
    state: 'off',
    startsAt: null,
    nextDueAt: null,
    users: { waiting: 0, pushed: 3, cancelled: 3, skipped: 1 },
  });
});

test('tasks of other types and of other apps have no trigger', async () => {
  expect((await ask(await makeTask({ pushType: 'manual' }))).status).toBe(404);
  const taskId = await makeTask({ pushType: 'trigger', trigger: { event: 'cart' } });
  const other = await openShop(api);
  expect((await ask(taskId, other.marketer)).status).toBe(404);
});
