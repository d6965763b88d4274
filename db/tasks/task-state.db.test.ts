import { expect, test } from 'vitest';
import type { TaskEvent } from '../../domain/tasks/plan.ts';
import { seedPerson, seedTask } from '../../test/fixtures/ledger-fixture.ts';
import { useTestDatabase } from '../../test/setup/database.ts';
import { recordProjection, type TaskProjection } from './task-state.ts';
import { findTask } from './tasks.ts';

const database = useTestDatabase();
const now = new Date('2026-11-22T10:10:00Z');

async function taskOf() {
  const { db } = database;
  const person = await seedPerson(db, now);
  const taskId = await seedTask(db, { ...person, now });
  const projection = (
    version: number,
    status: TaskProjection['status'],
    events: readonly TaskEvent[],
  ): TaskProjection => ({
    taskId,
    appId: person.appId,
    submission: 1,
    version,
    status,
    reason: null,
    revision: 1,
    pushType: 'single',
    approvedRevision: null,
    inPush: false,
    archived: false,
    pushAt: null,
    events,
  });
  const event = (seq: number, action: string): TaskEvent => ({
    seq,
    action,
    at: now.toISOString(),
    via: 'api',
    person: person.personId,
    revision: 1,
    outcome: 'done',
    detail: null,
    remark: null,
  });
  const record = (...args: Parameters<typeof projection>) => recordProjection(db, projection(...args), now);
  const read = async () => {
    const audit = await db
      .selectFrom('audit')
      .select('action')
      .where('task_id', '=', taskId)
      .where('submission', '=', 1)
      .orderBy('seq')
      .execute();
    const decisions = await db
      .selectFrom('approvals')
      .select('decision')
      .where('task_id', '=', taskId)
      .execute();
    const task = await findTask(db, { appId: person.appId, taskId });
    return {
      status: task?.status,
      actions: audit.map(({ action }) => action),
      decisions: decisions.map(({ decision }) => decision),
    };
  };
  return { record, event, read };
}

test('projections in any order and repeated show the newest state and record each event once', async () => {
  const { record, event, read } = await taskOf();
  await record(3, 'scheduled', [event(1, 'submit'), event(2, 'approve')]);
  await record(0, 'pending_approval', [event(1, 'submit')]);
  await record(2, 'pending_approval', []);
  await record(3, 'scheduled', [event(1, 'submit'), event(2, 'approve')]);
  expect(await read()).toEqual({
    status: 'scheduled',
    actions: ['submit', 'approve'],
    decisions: ['approve'],
  });
});

test('simultaneous projections show the newest state and record each event once', async () => {
  const { record, event, read } = await taskOf();
  await Promise.all([
    record(0, 'pending_approval', [event(1, 'submit')]),
    record(2, 'pending_approval', [event(1, 'submit')]),
    record(5, 'draft', [event(2, 'withdraw')]),
  ]);
  expect(await read()).toEqual({ status: 'draft', actions: ['submit', 'withdraw'], decisions: [] });
});
