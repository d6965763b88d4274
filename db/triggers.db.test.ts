import { randomBytes } from 'node:crypto';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { newId, pushIdOf } from '../domain/ids.ts';
import { reconcile } from '../domain/metrics.ts';
import { TaskDefinition } from '../domain/task-definition.ts';
import { type Trigger, Trigger as TriggerSchema } from '../domain/trigger.ts';
import { useTestDatabase } from '../test/setup/database.ts';
import { createEventNames } from './event-names.ts';
import { recordEvents } from './events.ts';
import { seedDevices } from './push-fixture.ts';
import { createPush, findPush } from './pushes.ts';
import { readStatistics, recountStatistics } from './statistics.ts';
import { insertTask } from './tasks.ts';
import { findOpenPush, joinedLeases, joinPush, openToJoin } from './trigger-join.ts';
import { matchArrivals } from './trigger-match.ts';
import { armTrigger, disarmTrigger, ENTRY_STATES, isAwaited, listDueTriggers } from './triggers.ts';

const database = useTestDatabase();
const MINUTE = 60_000;
const now = new Date('2026-11-22T10:05:00Z');
const after = (minutes: number) => new Date(now.getTime() + minutes * MINUTE);

async function scene(change: Partial<Trigger> = {}, users = 20) {
  const { db } = database;
  const ids = Array.from({ length: users }, (_, n) => ({ id: `d${n}`, user: `u${n}` }));
  const { appId, personId, audienceId } = await seedDevices(db, ids, now);
  const trigger = TriggerSchema.parse({ event: 'cart', ...change });
  const definition = TaskDefinition.parse({
    ...{ audience: { id: audienceId, version: 1 }, pushType: 'trigger', trigger },
    content: { title: 't', body: 'b' },
  });
  const taskId = newId('task', randomBytes);
  await insertTask(db, { id: taskId, appId, name: 'Cart', definition, creator: personId, now });
  const arm = (paused = false) =>
    armTrigger(db, { taskId, revision: 1, trigger, graceMs: 60 * MINUTE, paused, now });
  await arm();
  const names = createEventNames(db);
  let id = 0;
  async function happens(name: string, who: readonly string[], at: Date) {
    const nameNo = (await names.numbersOf(appId, [name], now)).get(name) ?? 0;
    const events = who.map((userId, index) => ({
      index,
      id: `e${++id}`,
      nameNo,
      at,
      properties: {},
      of: { userId },
    }));
    await recordEvents(db, { appId, now: at, events });
  }
  async function open(at: Date, seq = 1) {
    const pushId = pushIdOf(taskId, seq);
    const hour = new Date(Math.floor(at.getTime() / 3_600_000) * 3_600_000);
    await createPush(db, { id: pushId, taskId, seq, revision: 1, dueAt: hour, windowMs: 1000, now: at });
    const { no } = await findPush(db, pushId);
    await openToJoin(db, { pushNo: no, now: at });
    return no;
  }
  const due = { taskId, appId, revision: 1 };
  const join = (pushNo: number, at: Date) => joinPush(db, { ...due, pushNo, limit: 1000, now: at });
  const isDue = async (at: Date) => (await listDueTriggers(db, at)).some((one) => one.taskId === taskId);
  async function states() {
    const rows = await db
      .selectFrom('trigger_entries')
      .select(['user_id', 'state'])
      .where('task_id', '=', taskId)
      .orderBy('user_id')
      .execute();
    return Object.fromEntries(rows.map(({ user_id: user, state }) => [user, ENTRY_STATES[state]]));
  }
  return { db, taskId, appId, due, arm, happens, open, join, states, isDue };
}

test('users are entered once however often the event comes, and join the open push as deliveries that reconcile', async () => {
  const { db, taskId, due, happens, open, join, states } = await scene();
  await happens('cart', ['u1', 'u2', 'u1'], now);
  await happens('other', ['u3'], now);
  expect(await matchArrivals(db, 100)).toBe(3);
  expect(await states()).toEqual({ u1: 'waiting', u2: 'waiting' });
  expect(await findOpenPush(db, { ...due, now })).toBeUndefined();
  const no = await open(now);
  expect((await findOpenPush(db, { ...due, now }))?.no).toBe(no);
  expect(await join(no, now)).toBe(2);
  await happens('cart', ['u4', 'u1', 'without a device'], after(1));
  await matchArrivals(db, 100);
  expect(await join(no, after(1))).toBe(2);
  expect(await joinedLeases(db, { pushNo: no, above: -1, close: false, now })).toEqual([0, 1]);
  expect(await joinedLeases(db, { pushNo: no, above: 0, close: true, now })).toEqual([1]);
  expect(await join(no, after(2))).toBeUndefined();
  const { id, slot } = await findPush(db, pushIdOf(taskId, 1));
  if (slot === null) throw new Error(`${id} is not open`);
  const answer = await readStatistics(db, { pushNo: no, now });
  expect(answer?.statistics).toMatchObject({ planned: 3, matched: 3, pending: 3 });
  expect(answer && reconcile(answer.statistics)).toEqual([]);
  expect(await recountStatistics(db, { pushNo: no, slot })).toEqual(answer?.statistics);
});

test('an unless-event within the delay cancels, one before or after does not', async () => {
  const { db, happens, open, join, states, isDue } = await scene({ delayMinutes: 30, unless: 'bought' });
  await happens('bought', ['u3'], after(-1));
  await happens('cart', ['u1', 'u2', 'u3'], now);
  await matchArrivals(db, 100);
  expect(await isDue(after(29))).toBe(false);
  await happens('bought', ['u1'], after(10));
  await happens('bought', ['u2'], after(31));
  expect(await isDue(after(32))).toBe(true);
  const no = await open(after(32));
  expect(await join(no, after(32))).toBe(2);
  expect(await states()).toEqual({ u1: 'cancelled', u2: 'pushed', u3: 'pushed' });
});

test.each([
  ['once', { rule: 'once' }, [1, 1, 1]],
  ['after two hours', { rule: 'after', hours: 2 }, [1, 1, 2]],
  ['always', { rule: 'always' }, [1, 2, 3]],
] as const)('a user enters again: %s', async (_, reentry, expected) => {
  const { db, happens, open, join } = await scene({ reentry });
  let pushed = 0;
  for (const [index, minutes] of [0, 70, 140].entries()) {
    await happens('cart', ['u1'], after(minutes));
    await matchArrivals(db, 100);
    pushed += (await join(await open(after(minutes), index + 1), after(minutes))) ?? 0;
    expect(pushed).toBe(expected[index]);
  }
});

test('of one clock hour a user is in one push once, whatever the rule', async () => {
  const { db, happens, open, join } = await scene({ reentry: { rule: 'always' } });
  const no = await open(now);
  await happens('cart', ['u1'], now);
  await matchArrivals(db, 100);
  expect(await join(no, now)).toBe(1);
  await happens('cart', ['u1'], after(5));
  await matchArrivals(db, 100);
  expect(await join(no, after(5))).toBe(0);
});

test('who is too late by the late policy is skipped', async () => {
  const { db, happens, open, join, states } = await scene();
  await happens('cart', ['u1'], now);
  await matchArrivals(db, 100);
  expect(await join(await open(after(61)), after(61))).toBe(0);
  expect(await states()).toEqual({ u1: 'skipped' });
});

test('a paused task takes nobody into its push, and loses nobody; disarmed it waits for nothing', async () => {
  const { db, taskId, arm, happens, open, join, states, isDue } = await scene();
  await arm(true);
  await happens('cart', ['u1'], now);
  await matchArrivals(db, 100);
  expect(await isDue(now)).toBe(false);
  expect(await join(await open(now), now)).toBe(0);
  expect(await isAwaited(db, taskId)).toBe(true);
  await disarmTrigger(db, taskId);
  expect(await isAwaited(db, taskId)).toBe(false);
  expect(await states()).toEqual({ u1: 'cancelled' });
  await happens('cart', ['u2'], after(1));
  expect(await matchArrivals(db, 100)).toBe(0);
});

test('events outside of start and end do not count', async () => {
  const { db, happens, states } = await scene({
    startAt: after(10).toISOString(),
    endAt: after(20).toISOString(),
  });
  for (const [user, minutes] of [
    ['u1', 9],
    ['u2', 10],
    ['u3', 19],
    ['u4', 20],
  ] as const) {
    await happens('cart', [user], after(minutes));
  }
  await matchArrivals(db, 100);
  expect(await states()).toEqual({ u2: 'waiting', u3: 'waiting' });
});

test('two matchers at once enter each user once', async () => {
  const { db, happens, states } = await scene({}, 1);
  const users = Array.from({ length: 2000 }, (_, n) => `v${n}`);
  for (const from of [0, 500, 1000, 1500]) await happens('cart', users.slice(from, from + 500), now);
  const matcher = async () => {
    let all = 0;
    for (let taken = 1; taken > 0; all += taken) taken = await matchArrivals(db, 150);
    return all;
  };
  const taken = await Promise.all([matcher(), matcher(), matcher()]);
  expect(taken.reduce((sum, count) => sum + count, 0)).toBe(2000);
  expect(Object.keys(await states())).toHaveLength(2000);
});

test('a thousand events a second are entered and join with time to spare', async () => {
  const { db, happens, open, join } = await scene({}, 1000);
  const no = await open(now);
  const users = Array.from({ length: 1000 }, (_, n) => `u${n}`);
  await happens('cart', users, now);
  await sql`analyze`.execute(db);
  const started = performance.now();
  while ((await matchArrivals(db, 5000)) > 0);
  for (let joined = 1; joined !== 0; ) joined = (await join(no, now)) ?? 0;
  expect(performance.now() - started).toBeLessThan(1000);
  const { count } = await db
    .selectFrom('deliveries')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('push_no', '=', no)
    .executeTakeFirstOrThrow();
  expect(Number(count)).toBe(1000);
});
