import { WorkflowFailedError } from '@temporalio/client';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { findTask } from '../db/tasks/tasks.ts';
import { OPERATION_TASK, type OperationTaskInput, TASK_QUEUE } from '../domain/workflows/contract.ts';
import { createLocal } from './setup/temporal-environment.ts';
import { until } from './wait.ts';
import { callAction, createTask, everybody, importDevices, openShop, type Shop } from './world/shop.ts';
import { createWorld, type World } from './world/world.ts';

let world: World;
let shop: Shop;
beforeAll(async () => {
  world = await createWorld(createLocal);
});
afterAll(() => world.close());
beforeEach(async () => {
  shop = await openShop(world);
  await importDevices(shop, 10);
});

const pushAt = () => new Date(Date.now() + 3_600_000).toISOString();
const draft = async () => createTask(shop, { audience: { id: await everybody(shop) }, pushAt: pushAt() });
const submit = (taskId: string) => callAction(shop, shop.marketer, taskId, 'submit');
const approve = (taskId: string) => callAction(shop, shop.approver, taskId, 'approve', { revision: 1 });
const read = async (taskId: string) => (await shop.call(shop.marketer, 'GET', `/v1/tasks/${taskId}`)).body;
const isIn = (taskId: string, status: string) =>
  until(
    () => read(taskId),
    (task) => task['status'] === status,
  );

async function actionsOf(taskId: string): Promise<string[]> {
  const { body } = await shop.call<{ items: { action: string; outcome: string }[] }>(
    shop.marketer,
    'GET',
    `/v1/tasks/${taskId}/audit`,
  );
  return body.items.filter(({ outcome }) => outcome === 'done').map((line) => line.action);
}

test('while no worker runs a task is submitted and shown, and the next worker takes up its commands', async () => {
  await world.stopWorkers();
  const taskId = await draft();
  expect(await submit(taskId)).toMatchObject({
    status: 200,
    body: { status: 'pending_approval', pending: false },
  });
  expect(await read(taskId)).toMatchObject({ status: 'pending_approval', approval: 'pending' });
  expect(await actionsOf(taskId)).toEqual(['submit', 'create']);
  expect(await submit(taskId)).toMatchObject({ status: 409 });
  expect(await approve(taskId)).toMatchObject({ status: 202, body: { pending: true } });
  await world.startWorkers();
  await isIn(taskId, 'scheduled');
  expect((await actionsOf(taskId)).toSorted()).toEqual(['approve', 'create', 'submit']);
});

test('an action right after the answer finds the task submitted, again and again', async () => {
  for (let submission = 1; submission <= 3; submission++) {
    const taskId = await draft();
    expect(await submit(taskId)).toMatchObject({ status: 200 });
    expect(await callAction(shop, shop.marketer, taskId, 'withdraw')).toMatchObject({ status: 200 });
    expect(await read(taskId)).toMatchObject({ status: 'draft' });
    expect(await submit(taskId)).toMatchObject({ status: 200 });
    expect(await approve(taskId)).toMatchObject({ status: 200, body: { status: 'scheduled' } });
    expect(await actionsOf(taskId)).toEqual(['approve', 'submit', 'withdraw', 'submit', 'create']);
  }
});

test('the start of a workflow by an API that died is taken up while no worker runs', async () => {
  await world.stopWorkers();
  const taskId = await draft();
  const { appId } = await appOf(taskId);
  const input: OperationTaskInput = {
    taskId,
    appId,
    revision: 1,
    submission: 1,
    by: shop.marketer.personId,
    at: Date.now(),
  };
  const start = () =>
    world.env.client.workflow.start(OPERATION_TASK, {
      workflowId: taskId,
      taskQueue: TASK_QUEUE,
      args: [input],
      memo: { input },
    });
  await start();
  expect(await read(taskId)).toMatchObject({ status: 'draft' });
  expect(await submit(taskId)).toMatchObject({ status: 200, body: { status: 'pending_approval' } });
  await world.startWorkers();
  expect(await approve(taskId)).toMatchObject({ status: 200, body: { status: 'scheduled' } });
  expect(await actionsOf(taskId)).toEqual(['approve', 'submit', 'create']);
});

test('a submission that is started again after its end begins nothing', async () => {
  const taskId = await draft();
  await submit(taskId);
  await callAction(shop, shop.marketer, taskId, 'withdraw');
  const { appId } = await appOf(taskId);
  const { workflow } = world.env.client;
  const input = { taskId, appId, revision: 1, submission: 1, by: shop.marketer.personId, at: Date.now() };
  const again = { workflowId: taskId, taskQueue: TASK_QUEUE, args: [input] };
  await until(
    () => workflow.getHandle(taskId).describe(),
    ({ status }) => status.name === 'COMPLETED',
  );
  await expect(workflow.execute(OPERATION_TASK, again)).rejects.toThrow(WorkflowFailedError);
  expect(await read(taskId)).toMatchObject({ status: 'draft' });
  expect(await submit(taskId)).toMatchObject({ status: 200 });
  expect(await approve(taskId)).toMatchObject({ status: 200, body: { status: 'scheduled' } });
});

test('simultaneous submits of one task submit it once', async () => {
  const taskId = await draft();
  const answers = await Promise.all(Array.from({ length: 8 }, () => submit(taskId)));
  const statuses = answers.map(({ status }) => status);
  expect(statuses.filter((status) => status !== 200 && status !== 409)).toEqual([]);
  expect(statuses).toContain(200);
  expect(await actionsOf(taskId)).toEqual(['submit', 'create']);
  expect(await appOf(taskId)).toMatchObject({ submission: 1, status: 'pending_approval' });
});

async function appOf(taskId: string) {
  const { appId } = await world.db
    .selectFrom('tasks')
    .select('app_id as appId')
    .where('id', '=', taskId)
    .executeTakeFirstOrThrow();
  const task = await findTask(world.db, { appId, taskId });
  if (task === undefined) throw new Error(`${taskId} does not exist`);
  return task;
}
