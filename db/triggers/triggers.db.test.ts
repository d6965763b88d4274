import { randomBytes } from 'node:crypto';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { ContactRules } from '../../domain/caps/cap.ts';
import { newId, pushIdOf } from '../../domain/ids.ts';
import { reconcile } from '../../domain/pushes/metrics.ts';
import { TaskDefinition } from '../../domain/tasks/task-definition.ts';
import { type Trigger, Trigger as TriggerSchema } from '../../domain/tasks/trigger.ts';
import { seedDevices } from '../../test/fixtures/push-fixture.ts';
import { useTestDatabase } from '../../test/setup/database.ts';
import { replaceContactRules } from '../caps/contact-rules.ts';
import { createEventNames } from '../events/event-names.ts';
import { recordEvents } from '../events/events.ts';
import { dropPartition, partitionStartOf } from '../ledger/partitions.ts';
import { createPush, findPush } from '../ledger/pushes.ts';
import { findDueLeases } from '../preparation/waves.ts';
import { readStatistics, recountStatistics } from '../statistics/statistics.ts';
import { insertTask } from '../tasks/tasks.ts';
import { recordUnjoinable } from './trigger-fault.ts';
import { findOpenPush, joinedLeases, joinPush, openToJoin } from './trigger-join.ts';
import { matchArrivals } from './trigger-match.ts';
import {
  armTrigger,
  disarmTrigger,
  ENTRY_STATES,
  findTriggerStart,
  isAwaited,
  listDueTriggers,
} from './triggers.ts';

const database = useTestDatabase();
const MINUTE = 60_000;
const now = new Date('2026-11-22T10:05:00Z');
/** 23:05 in Auckland, 11:05 in Berlin. */
const zoneOf = (n: number) => (n % 2 === 0 ? 'Europe/Berlin' : 'Pacific/Auckland');
const after = (minutes: number) => new Date(now.getTime() + minutes * MINUTE);

async function scene(change: Partial<Trigger> = {}, users = 20, more: object = {}) {
  const { db } = database;
  const ids = Array.from({ length: users }, (_, n) => ({ id: `d${n}`, user: `u${n}`, timeZone: zoneOf(n) }));
  const { appId, personId, audienceId } = await seedDevices(db, ids, now);
  const trigger = TriggerSchema.parse({ event: 'cart', ...change });
  const definition = TaskDefinition.parse({
    audience: { id: audienceId, version: 1 },
    pushType: 'trigger',
    trigger,
    content: { title: 't', body: 'b' },
    ...more,
  });
  const taskId = newId('task', randomBytes);
  await insertTask(db, { id: taskId, appId, name: 'Cart', definition, creator: personId, now });
  const arm = (paused = false) =>
    armTrigger(db, { taskId, revision: 1, trigger, graceMs: 60 * MINUTE, paused, now });
  await arm();
  const names = createEventNames(db);
  let id = 0;
  async function happens(name: string, who: readonly string[], at: Date, properties = {}) {
    const nameNo = (await names.numbersOf(appId, [name], now)).get(name) ?? 0;
    const events = who.map((userId, index) => ({
      index,
      id: `e${++id}`,
      nameNo,
      at,
      properties,
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
  async function setRules(rules: object) {
    const set = { appId, personId, rules: ContactRules.parse(rules), now };
    await db.transaction().execute((trx) => replaceContactRules(trx, set));
  }
  /** The live numbers, after they were reconciled and recounted. */
  async function figures(pushNo: number, at: Date) {
    const answer = await readStatistics(db, { pushNo, now: at });
    const { partition_start: partitionStart } = await db
      .selectFrom('pushes')
      .select('partition_start')
      .where('no', '=', pushNo)
      .executeTakeFirstOrThrow();
    if (answer === undefined || partitionStart === null) throw new Error('not open');
    expect(reconcile(answer.statistics)).toEqual([]);
    expect(await recountStatistics(db, { pushNo, partitionStart })).toEqual(answer.statistics);
    return { ...answer.statistics, held: answer.held };
  }
  return { db, taskId, appId, audienceId, setRules, figures, due, arm, happens, open, join, states, isDue };
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
  expect(await joinedLeases(db, { pushNo: no, above: -1, close: false, now })).toEqual({
    leases: [0, 1],
    nextDueAt: null,
  });
  expect(await joinedLeases(db, { pushNo: no, above: 0, close: true, now })).toMatchObject({ leases: [1] });
  expect(await join(no, after(2))).toBeUndefined();
  const { id, partition_start: partitionStart } = await findPush(db, pushIdOf(taskId, 1));
  if (partitionStart === null) throw new Error(`${id} is not open`);
  const answer = await readStatistics(db, { pushNo: no, now });
  expect(answer?.statistics).toMatchObject({
    planned: 4,
    matched: 3,
    pending: 3,
    lossReasons: { unknown_user: 1 },
  });
  expect(answer && reconcile(answer.statistics)).toEqual([]);
  expect(await recountStatistics(db, { pushNo: no, partitionStart })).toEqual(answer?.statistics);
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

test('a user is in the push of a clock hour once, under any re-entry rule', async () => {
  const { db, happens, open, join } = await scene({ reentry: { rule: 'always' } });
  const no = await open(now);
  await happens('cart', ['u1'], now);
  await matchArrivals(db, 100);
  expect(await join(no, now)).toBe(1);
  await happens('cart', ['u1'], after(5));
  await matchArrivals(db, 100);
  expect(await join(no, after(5))).toBe(0);
});

test('a user who is too late by the late policy is skipped', async () => {
  const { db, happens, open, join, states } = await scene();
  await happens('cart', ['u1'], now);
  await matchArrivals(db, 100);
  expect(await join(await open(after(61)), after(61))).toBe(0);
  expect(await states()).toEqual({ u1: 'skipped' });
});

test('a push that no user can join says why, once in the audit, until the next join; late users are skipped', async () => {
  const { db, taskId, due, happens, open, join, states } = await scene();
  await happens('cart', ['u1'], now);
  await happens('cart', ['u2'], after(30));
  await matchArrivals(db, 100);
  const no = await open(after(61));
  const push = { no, id: pushIdOf(taskId, 1) };
  const reason = 'the audience cannot be computed: gone';
  const fail = () => recordUnjoinable(db, { ...due, push, reason, now: after(61) });
  expect([await fail(), await fail()]).toEqual([true, false]);
  expect(await states()).toEqual({ u1: 'skipped', u2: 'waiting' });
  const reasonOf = async () => (await findPush(db, push.id)).status_reason;
  expect(await reasonOf()).toBe(reason);
  const lines = await db
    .selectFrom('audit')
    .select(['action', 'detail'])
    .where('task_id', '=', taskId)
    .execute();
  expect(lines).toEqual([{ action: 'join', detail: `${push.id}: ${reason}` }]);
  expect(await join(no, after(62))).toBe(1);
  expect(await reasonOf()).toBeNull();
});

test('a paused task takes no user into its push, and loses none; a disarmed one waits for nothing', async () => {
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

test('only events that match every property of the filter exactly enter a user', async () => {
  const filter = { category: 'shoes', count: 2, gift: true };
  const { happens, states } = await scene({ filter });
  for (const [user, properties] of [
    ['u1', { ...filter, more: 'of it' }],
    ['u2', { ...filter, count: 3 }],
    ['u3', { ...filter, count: '2' }],
    ['u4', { category: 'shoes' }],
    ['u5', {}],
    ['u6', { ...filter, count: 2.0 }],
  ] as const) {
    await happens('cart', [user], now, properties);
  }
  await matchArrivals(database.db, 100);
  expect(await states()).toEqual({ u1: 'waiting', u6: 'waiting' });
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

test('users who join count for caps at once, in the log and for the next push', async () => {
  const { db, appId, setRules, happens, open, join, figures } = await scene({ reentry: { rule: 'always' } });
  const first = await open(now);
  await happens('cart', ['u1'], now);
  await matchArrivals(db, 100);
  await join(first, now);
  await setRules({ caps: [{ max: 1, window: { kind: 'rolling', hours: 24 } }] });
  await happens('cart', ['u2', 'u3'], after(1));
  await matchArrivals(db, 100);
  await join(first, after(1));
  const log = await db
    .selectFrom('contacts')
    .select('user_key')
    .where('app_id', '=', appId)
    .orderBy('user_key')
    .execute();
  expect(log.map((row) => row.user_key)).toEqual(['=u1', '=u2', '=u3']);
  expect((await figures(first, after(1))).pending).toBe(3);
  const second = await open(after(60), 2);
  await happens('cart', ['u1', 'u2', 'u4'], after(60));
  await matchArrivals(db, 100);
  expect(await join(second, after(60))).toBe(3);
  expect(await figures(second, after(60))).toMatchObject({
    planned: 3,
    matched: 3,
    suppressed: 2,
    pending: 1,
    suppressedReasons: { frequency_cap: 2 },
  });
});

test('quiet hours hold back devices that join, each to the end in its own zone', async () => {
  const { setRules, happens, open, join, figures, db } = await scene();
  await setRules({ quietHours: { from: '22:00', to: '08:00', action: 'hold' } });
  const pushNo = await open(now);
  for (const [minute, users] of [
    [0, ['u0', 'u1', 'u2', 'u3', 'nobody']],
    [1, ['u4', 'u5']],
    [2, ['u7']],
  ] as const) {
    await happens('cart', users, after(minute));
    await matchArrivals(db, 100);
    await join(pushNo, after(minute));
  }
  const figured = { planned: 8, matched: 7, losses: 1, suppressed: 0, pending: 7 };
  expect(await figures(pushNo, after(3))).toMatchObject({ ...figured, held: 4 });
  const morning = Date.parse('2026-11-22T19:00:00Z');
  const ask = (at: Date | number, close = false) =>
    joinedLeases(db, { pushNo, above: -1, close, now: new Date(at) });
  expect(await ask(after(3))).toEqual({ leases: [0, 2], nextDueAt: morning });
  expect(await ask(after(60), true)).toEqual({ leases: [0, 2], nextDueAt: morning });
  expect(await findDueLeases(db, { pushNo, from: new Date(morning), now: new Date(morning) })).toEqual({
    leases: [1, 3, 4],
    nextDueAt: null,
  });
  expect(await figures(pushNo, new Date(morning))).toMatchObject({ ...figured, held: 0 });
});

test('a push that has not sent yet keeps the users who joined it, however long ago its half hour was', async () => {
  const { db, happens, open, join, figures } = await scene();
  const pushNo = await open(now);
  await happens('cart', ['u1'], now);
  await matchArrivals(db, 100);
  await join(pushNo, now);
  expect(await dropPartition(db, { partitionStart: partitionStartOf(now), now: after(600) })).toBe(false);
  expect(await figures(pushNo, after(600))).toMatchObject({ planned: 1, pending: 1 });
});

test('an audience that names its users knows those without a device; other users are not planned', async () => {
  const { db, audienceId, happens, open, join, figures } = await scene();
  await db.updateTable('audiences').set({ kind: 'upload' }).where('id', '=', audienceId).execute();
  await db
    .insertInto('audience_members')
    .values(['u1', 'lost'].map((id) => ({ audience_id: audienceId, version: 1, kind: 1, id })))
    .execute();
  const pushNo = await open(now);
  await happens('cart', ['u1', 'u2', 'lost', 'stranger'], now);
  await matchArrivals(db, 100);
  await join(pushNo, now);
  expect(await figures(pushNo, now)).toMatchObject({
    planned: 2,
    matched: 1,
    lossReasons: { unknown_user: 1 },
  });
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

test('a trigger starts with the second of its approval, because many systems date events to the second', async () => {
  const { db, taskId } = await scene();
  const trigger = TriggerSchema.parse({ event: 'cart' });
  await disarmTrigger(db, taskId);
  expect(await findTriggerStart(db, taskId)).toBeNull();
  const approved = new Date(now.getTime() + 640);
  await armTrigger(db, { taskId, revision: 1, trigger, graceMs: null, paused: false, now: approved });
  expect(await findTriggerStart(db, taskId)).toEqual(now);
});
