import { expect, test } from 'vitest';
import { TaskDefinition } from '../../domain/tasks/task-definition.ts';
import { type SeededDelivery, seedPerson, seedPush, seedTask } from '../../test/fixtures/ledger-fixture.ts';
import { useTestDatabase } from '../../test/setup/database.ts';
import { readAppTotals, readTaskTotals, readTotalsOf } from './totals.ts';

const database = useTestDatabase();
const START = new Date('2026-11-22T10:00:00Z');
const LATER = new Date('2026-11-22T11:00:00Z');

/**
 * A task with two pushes: of its first revision, with German and French, and of its second, with French
 * alone.
 */
async function twoPushes() {
  const { db } = database;
  const { appId, personId } = await seedPerson(db, START);
  const [de, fr] = [{ title: 'Angebot' }, { title: 'Offre' }];
  const taskId = await seedTask(db, { appId, personId, content: { locales: { de, fr } }, now: START });
  const { definition } = await db
    .selectFrom('task_revisions')
    .select('definition')
    .where('task_id', '=', taskId)
    .executeTakeFirstOrThrow();
  const french = TaskDefinition.parse({ ...definition, content: { ...definition.content, locales: { fr } } });
  await db
    .insertInto('task_revisions')
    .values({
      task_id: taskId,
      revision: 2,
      made_by: personId,
      made_at: START,
      definition: JSON.stringify(french),
    })
    .execute();
  const push = (revision: number, deliveries: SeededDelivery[]) =>
    seedPush(db, { appId, taskId, startedAt: START, seq: revision, revision, deliveries });
  await push(1, [
    { status: 'accepted', platform: 'ios', variant: 3 },
    { status: 'accepted', platform: 'ios', variant: 6 },
  ]);
  await push(2, [
    { status: 'accepted', platform: 'ios', variant: 3 },
    { status: 'pending', platform: 'android', variant: 1 },
    { status: 'unreachable', platform: null, reason: 'unknown_user' },
  ]);
  return { appId, taskId };
}

test('the variants of a task are told apart by name, whatever number its revisions gave them', async () => {
  const { taskId } = await twoPushes();
  const { pushes, statistics } = await readTaskTotals(database.db, { taskId });
  expect(pushes).toBe(2);
  expect(statistics).toMatchObject({ planned: 5, losses: 1, pending: 1, sent: 3 });
  expect(statistics.variants).toMatchObject({
    android: { planned: 1, pending: 1 },
    'ios/de': { planned: 1, sent: 1 },
    'ios/fr': { planned: 2, sent: 2 },
  });
  expect(Object.keys(statistics.variants)).toHaveLength(3);
});

test('a task of a list has the same figures, and an app has those of its tasks', async () => {
  const { appId, taskId } = await twoPushes();
  const { statistics: own } = await readTaskTotals(database.db, { taskId });
  const listed = (await readTotalsOf(database.db, [taskId, 'task-none'])).get(taskId);
  expect(listed).toMatchObject({ planned: own.planned, sent: own.sent, deliveries: own.deliveries });
  const app = await readAppTotals(database.db, { appId, from: START, to: LATER });
  expect(app).toMatchObject({ pushes: 2, finalPushes: 0 });
  expect(app.statistics).toEqual({ ...own, variants: {} });
  const before = await readAppTotals(database.db, { appId, from: new Date(0), to: START });
  expect(before).toMatchObject({ pushes: 0, statistics: { planned: 0, opens: 0 } });
});
