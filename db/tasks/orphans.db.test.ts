import { expect, test } from 'vitest';
import { SWEEP_START } from '../../domain/pushes/sweep-cursor.ts';
import { seedPerson, seedPush, seedTask } from '../../test/fixtures/ledger-fixture.ts';
import { useTestDatabase } from '../../test/setup/database.ts';
import { listUnfinished } from './orphans.ts';

const database = useTestDatabase();
const START = new Date('2026-11-22T10:00:00Z');
const LATER = new Date('2026-11-22T11:00:00Z');

test('rounds that resume at the last cursor list all unfinished pushes and tasks, even without changes', async () => {
  const { db } = database;
  const { appId, personId } = await seedPerson(db, START);
  const tasks: string[] = [];
  const pushes: string[] = [];
  for (let i = 0; i < 8; i++) {
    const taskId = await seedTask(db, { appId, personId, now: START });
    tasks.push(taskId);
    if (i < 5) pushes.push((await seedPush(db, { appId, taskId, startedAt: START, deliveries: [] })).id);
  }
  await db.updateTable('tasks').set({ status: 'scheduled' }).execute();
  const draft = await seedTask(db, { appId, personId, now: START });

  const seen = { tasks: [] as string[], pushes: [] as string[] };
  let after = SWEEP_START;
  for (let round = 0; round < 3; round++) {
    const found = await listUnfinished(db, { createdBefore: LATER, after, limit: 3 });
    seen.tasks.push(...found.taskIds);
    if (round < 2) seen.pushes.push(...found.pushes.map(({ id }) => id));
    after = found.next;
  }
  expect(seen.tasks).toEqual(tasks.toSorted());
  expect(seen.tasks).not.toContain(draft);
  expect(seen.pushes).toEqual(pushes);
  expect(after.taskId).toBe(SWEEP_START.taskId);
  const again = await listUnfinished(db, { createdBefore: LATER, after, limit: 3 });
  expect(again.taskIds).toEqual(tasks.toSorted().slice(0, 3));
});
