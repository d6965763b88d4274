import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { STATE_QUERY, type TaskView } from '../domain/workflows/contract.ts';
import { recordHistory } from './replay/record.ts';
import { fixture } from './setup/fixture.ts';
import { createLocal } from './setup/temporal-environment.ts';
import { until } from './wait.ts';
import {
  type Caller,
  callAction,
  createTask,
  everybody,
  openShop,
  openShopWithDevices,
} from './world/shop.ts';
import { pushIdOf, readTask, startTask, taskIn } from './world/task.ts';
import { ADMIN_KEY, useWorld } from './world/world.ts';

const HOUR = 3_600_000;
const run = promisify(execFile);
const REASON = `It's "wrong": 100% of $HOME, 价格 & more`;

const world = useWorld(createLocal, { receiptWindowMs: HOUR });
const shop = fixture(beforeAll, () => openShopWithDevices(world, 4));

const handleOf = (taskId: string) => world.env.client.workflow.getHandle(taskId);
const viewOf = (taskId: string) => handleOf(taskId).query<TaskView>(STATE_QUERY);

async function submitted(owner = shop): Promise<string> {
  const pushAt = new Date(Date.now() + HOUR).toISOString();
  const taskId = await createTask(owner, { audience: { id: await everybody(owner) }, pushAt });
  await callAction(owner, owner.marketer, taskId, 'submit');
  return taskId;
}

/** Runs the real CLI on a task with any arguments. */
async function temporal(taskId: string, ...args: string[]): Promise<void> {
  const { address } = world.env.connection.options;
  await run(inject('temporalCli'), [
    'workflow',
    'signal',
    '--workflow-id',
    taskId,
    '--address',
    address,
    ...args,
  ]);
}

async function codeOf(taskId: string, approver: Caller, owner = shop): Promise<string> {
  const { body } = await owner.call<{ code: string }>(approver, 'GET', `/v1/tasks/${taskId}/approval-code`);
  return body.code;
}

async function lastIgnored(taskId: string, name: string): Promise<string> {
  const view = await until(
    () => viewOf(taskId),
    ({ ignored }) => ignored.some((message) => message.name === name),
  );
  return view.ignored.findLast((message) => message.name === name)?.reason ?? '';
}

async function signal(taskId: string, name: string, ...args: unknown[]): Promise<void> {
  await handleOf(taskId).signal(name, ...args);
}

describe('a bad signal is ignored with a reason, and the task goes on', () => {
  test.each([
    ['without a payload', 'pause', []],
    ['null', 'resume', ['--input', 'null']],
    ['text', 'cancel', ['--input', '"now"']],
    ['a list', 'send', ['--input', '[1]']],
    ['unknown fields', 'withdraw', ['--input', '{"by":"person-a000000000","why":"x"}']],
    ['a wrong type', 'setRate', ['--input', '{"by":"person-a000000000","ratePerSecond":"fast"}']],
    ['several payloads', 'delete', ['--input', '7', '--input', '8']],
    ['an unknown name', 'aprove', ['--input', '{}']],
    ['an unknown encoding', 'reject', ['--input', '{}', '--input-meta', 'encoding=foo/bar']],
  ])('%s', async (_what, name, args) => {
    const taskId = await submitted();
    await temporal(taskId, '--name', name, ...args);
    expect(await lastIgnored(taskId, name)).not.toBe('');
    expect((await callAction(shop, shop.approver, taskId, 'approve', { revision: 1 })).status).toBe(200);
    const { body } = await shop.call<{ items: { action: string; outcome: string; detail: string }[] }>(
      shop.marketer,
      'GET',
      `/v1/tasks/${taskId}/audit`,
    );
    expect(body.items).toContainEqual(expect.objectContaining({ action: name, outcome: 'ignored' }));
    await recordHistory(world, taskId, `bad-signal-${name}`);
  });

  test('an action that the status does not allow', async () => {
    const taskId = await submitted();
    await signal(taskId, 'resume', { by: shop.operator.personId });
    expect(await lastIgnored(taskId, 'resume')).toContain('not allowed while the task is pending_approval');
  });
});

describe('approval by signal', () => {
  async function expectRefused(taskId: string, payload: unknown, reason: string): Promise<void> {
    await signal(taskId, 'approve', payload);
    expect(await lastIgnored(taskId, 'approve')).toContain(reason);
    expect((await viewOf(taskId)).status).toBe('pending_approval');
  }

  test('with the code of that approver for that revision, by the real CLI', async () => {
    const taskId = await submitted();
    const code = await codeOf(taskId, shop.approver);
    const payload = { approver: shop.approver.personId, revision: 1, code };
    await temporal(taskId, '--name', 'approve', '--input', JSON.stringify(payload));
    const { body } = await until(
      () => shop.call<{ items: unknown[] }>(shop.marketer, 'GET', `/v1/tasks/${taskId}/decisions`),
      (answer) => answer.body.items.length > 0,
    );
    expect(body.items).toMatchObject([
      { decision: 'approve', via: 'signal', personId: shop.approver.personId },
    ]);
  });

  test.each([
    ['command', 'scheduled', null],
    ['rejectCommand', 'rejected', REASON],
  ])('the %s that the API returns works unchanged', async (which, status, remark) => {
    const taskId = await submitted();
    const query = `reason=${encodeURIComponent(REASON)}`;
    const { body } = await shop.call(shop.approver, 'GET', `/v1/tasks/${taskId}/approval-code?${query}`);
    await run('sh', ['-c', String(body[which]).replace(/^temporal/, inject('temporalCli'))]);
    const { body: decisions } = await until(
      () => shop.call<{ items: unknown[] }>(shop.marketer, 'GET', `/v1/tasks/${taskId}/decisions`),
      (answer) => answer.body.items.length > 0,
    );
    expect(decisions.items).toMatchObject([{ via: 'signal', personId: shop.approver.personId, remark }]);
    expect((await readTask(shop, taskId)).status).toBe(status);
  });

  test.each([
    ['no code', {}, 'an approval code is required'],
    ['a wrong code', { code: 'AAAAAAAAAAAAAAAAAAAA' }, 'the code is not valid'],
    ['an unknown approver', { approver: 'person-zzzzzzzzzz' }, 'the approver or the revision does not exist'],
    ['a person who is not an approver', { approver: 'marketer' }, 'not an approver'],
    ['an older revision', { revision: 9 }, 'revision 9 cannot be decided'],
  ])('with %s is ignored', async (_what, change: Record<string, unknown>, reason) => {
    const taskId = await submitted();
    const approver = change['approver'] === 'marketer' ? shop.marketer.personId : shop.approver.personId;
    await expectRefused(
      taskId,
      {
        revision: 1,
        ...change,
        approver: change['approver'] === 'person-zzzzzzzzzz' ? change['approver'] : approver,
      },
      reason,
    );
  });

  test("with another approver's code, or for another task, is ignored", async () => {
    const taskId = await submitted();
    const other = await shop.call<Caller>(ADMIN_KEY, 'POST', `/v1/apps/${shop.appId}/keys`, {
      role: 'approver',
      name: 'other',
    });
    const code = await codeOf(taskId, other.body);
    await expectRefused(
      taskId,
      { approver: shop.approver.personId, revision: 1, code },
      'the code is not valid',
    );
    const elsewhere = await codeOf(await submitted(), shop.approver);
    await expectRefused(
      taskId,
      { approver: shop.approver.personId, revision: 1, code: elsewhere },
      'the code is not valid',
    );
  });

  test('a claimed name is enough where the app allows it, and a code is refused where signals are off', async () => {
    const claimed = await openShop(world, { signalApproval: 'claimed' });
    const trusting = await submitted(claimed);
    await signal(trusting, 'approve', { approver: claimed.approver.personId, revision: 1 });
    await until(
      () => viewOf(trusting),
      ({ status }) => status === 'scheduled',
    );
    const taskId = await submitted();
    const code = await codeOf(taskId, shop.approver);
    await shop.call(shop.operator, 'PATCH', '/v1/app', { signalApproval: 'off' });
    await expectRefused(
      taskId,
      { approver: shop.approver.personId, revision: 1, code },
      'does not allow approvals by signal',
    );
    await shop.call(shop.operator, 'PATCH', '/v1/app', { signalApproval: 'code' });
  });

  test('after a reject finds no workflow, and the task stays rejected', async () => {
    const taskId = await submitted();
    await callAction(shop, shop.approver, taskId, 'reject', { revision: 1, reason: 'Typo' });
    await handleOf(taskId).result();
    await expect(signal(taskId, 'approve', { approver: 'x', revision: 1 })).rejects.toThrow();
    expect((await readTask(shop, taskId)).status).toBe('rejected');
    await recordHistory(world, taskId, 'rejected');
  });
});

test("Temporal's own cancel is the action cancel", async () => {
  const taskId = await submitted();
  await callAction(shop, shop.approver, taskId, 'approve', { revision: 1 });
  await handleOf(taskId).cancel();
  await handleOf(taskId).result();
  expect((await readTask(shop, taskId)).status).toBe('cancelled');
  await recordHistory(world, taskId, 'native-cancel');
});

test('a push that is cancelled natively is fenced and finalised', async () => {
  const slow = { delayMs: { min: 300, max: 500 } };
  await world.simulators.control.change({ apns: slow, fcm: slow });
  const taskId = await startTask(shop);
  const push = handleOf(pushIdOf(taskId));
  await until(
    () => push.describe().catch(() => undefined),
    (description) => description !== undefined,
  );
  await push.cancel();
  await taskIn(shop, taskId, 'cancelled');
  const control = () =>
    world.db
      .selectFrom('push_control')
      .innerJoin('pushes', 'pushes.no', 'push_control.push_no')
      .select(['push_control.open', 'pushes.status'])
      .where('pushes.task_id', '=', taskId)
      .executeTakeFirstOrThrow();
  expect(await until(control, ({ status }) => status === 'cancelled')).toEqual({
    open: false,
    status: 'cancelled',
  });
  await recordHistory(world, pushIdOf(taskId), 'push-cancelled');
});
