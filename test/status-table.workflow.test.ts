import { WorkflowNotFoundError } from '@temporalio/client';
import { beforeAll, describe, expect, test } from 'vitest';
import { ACTIONS, type Action } from '../domain/tasks/task-status.ts';
import { fixture } from './setup/fixture.ts';
import { createLocal } from './setup/temporal-environment.ts';
import { bySignal, overHttp, RATE, refusalOfSignal } from './status-table/actions.ts';
import { bring, shopOf } from './status-table/rows.ts';
import { HEARING, ROWS, type Row, SIGNAL_OF, STATUS_TABLE } from './status-table/table.ts';
import { until } from './wait.ts';
import { openShop, openShopWithDevices } from './world/shop.ts';
import { readTask } from './world/task.ts';
import { useWorld } from './world/world.ts';

const world = useWorld(createLocal, { receiptWindowMs: 3_600_000 });
const stage = fixture(beforeAll, async () => ({
  world,
  shop: await openShopWithDevices(world, 100),
  empty: await openShop(world),
}));

const allowedIn = (row: Row): readonly Action[] => STATUS_TABLE[row];
const readOf = (row: Row) => (taskId: string) => readTask(shopOf(stage, row), taskId);
const hasSignal = (action: Action): action is keyof typeof SIGNAL_OF => action in SIGNAL_OF;

type Shown = Record<string, unknown>;
const seqOf = ({ latestPush }: Shown) => (latestPush as { seq: number } | null)?.seq ?? 0;

/** The task as it must be shown after the action. */
const EFFECTS: Readonly<Record<Exclude<Action, 'copy'>, (task: Shown, before: Shown) => boolean>> = {
  edit: (task, before) =>
    task['revision'] === 2 &&
    task['status'] ===
      (['draft', 'rejected'].includes(String(before['status'])) ? 'draft' : 'pending_approval'),
  submit: (task) => task['status'] === 'pending_approval',
  approve: (task) => task['status'] === 'scheduled' && task['approvedRevision'] === 1,
  reject: (task) => task['status'] === 'rejected',
  withdraw: (task) => task['status'] === 'draft',
  send: (task, before) => seqOf(task) === seqOf(before) + 1,
  pause: (task) => task['status'] === 'paused',
  resume: (task) => task['status'] === 'scheduled' || task['status'] === 'sending',
  cancel: (task) => task['status'] === 'cancelled',
  set_rate: (task) => task['ratePerSecond'] === RATE,
  delete: (task) => task['archivedAt'] !== null,
};

async function expectEffect(row: Row, taskId: string, action: Action, before: Shown): Promise<void> {
  if (action === 'copy') return;
  const done = EFFECTS[action];
  await until(
    () => readOf(row)(taskId),
    (task) => done(task, before),
  );
}

const essence = ({ status, revision, archivedAt, ratePerSecond, approvedRevision }: Shown) => ({
  status,
  revision,
  archivedAt,
  ratePerSecond,
  approvedRevision,
});

async function isRunning(taskId: string): Promise<boolean> {
  try {
    return (await world.env.client.workflow.getHandle(taskId).describe()).status.name === 'RUNNING';
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}

describe.each(HEARING.filter((row) => allowedIn(row).some(hasSignal)))('%s', (row) => {
  const told = allowedIn(row).filter(hasSignal);
  test(`allows ${told.join(', ')} by signal`, { timeout: 120_000 }, async () => {
    await Promise.all(
      told.map(async (action) => {
        const taskId = await bring(stage, row);
        const before = await readOf(row)(taskId);
        await bySignal(world, shopOf(stage, row), taskId, action);
        await expectEffect(row, taskId, action, before);
      }),
    );
  });
});

describe.each(ROWS)('%s', (row) => {
  const allowed = allowedIn(row);
  const refused = ACTIONS.filter((action) => !allowed.includes(action));

  test(`allows ${allowed.join(', ')}`, { timeout: 120_000 }, async () => {
    await Promise.all(
      allowed.map(async (action) => {
        const taskId = await bring(stage, row);
        const before = await readOf(row)(taskId);
        expect(before['allowed']).toEqual(ACTIONS.filter((each) => allowed.includes(each)));
        const { status, body } = await overHttp(shopOf(stage, row), taskId, action);
        expect(status, `${action}: ${JSON.stringify(body)}`).toBeLessThan(300);
        if (action === 'copy') expect(body).toMatchObject({ status: 'draft', approvedRevision: null });
        await expectEffect(row, taskId, action, before);
      }),
    );
  });

  test('refuses all other actions over HTTP and by signal, and nothing changes', {
    timeout: 120_000,
  }, async () => {
    const shop = shopOf(stage, row);
    const taskId = await bring(stage, row);
    const before = essence(await readOf(row)(taskId));
    for (const action of refused) {
      const answer = await overHttp(shop, taskId, action);
      expect(answer, action).toMatchObject({ status: 409, body: { code: 'not_allowed_now' } });
    }
    const deaf: readonly Action[] = HEARING.includes(row) ? refused : ACTIONS;
    // A task shows its end a moment before its workflow is closed.
    if (!HEARING.includes(row))
      await until(
        () => isRunning(taskId),
        (running) => !running,
      );
    for (const action of deaf.filter(hasSignal)) {
      expect(await refusalOfSignal(world, shop, taskId, action), action).toMatch(
        /not allowed|no workflow|only allowed for manual tasks/,
      );
    }
    expect(essence(await readOf(row)(taskId))).toEqual(before);
  });
});
