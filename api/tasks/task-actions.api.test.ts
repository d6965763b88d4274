import { beforeEach, describe, expect, test } from 'vitest';
import type { TaskStatus } from '../../domain/tasks/task-status.ts';
import { seedPush } from '../../test/fixtures/ledger-fixture.ts';
import { newTask, openShop } from '../../test/fixtures/shop-fixture.ts';
import { useTestApi } from '../../test/fixtures/test-api.ts';
import { fixture } from '../../test/setup/fixture.ts';

const api = useTestApi();
const shop = fixture(beforeEach, () => openShop(api));
let taskId: string;
beforeEach(async () => {
  const { body } = await shop.marketer.call('POST', '/v1/tasks', newTask(shop, { pushType: 'manual' }));
  taskId = String(body['id']);
});

const postAction = (name: string, body?: object) =>
  shop.marketer.call('POST', `/v1/tasks/${taskId}/${name}`, body);
const decide = (name: string, body: object) =>
  shop.approver.call('POST', `/v1/tasks/${taskId}/${name}`, body);
const setStatus = (status: TaskStatus, inPush = false) =>
  api.deps.db.updateTable('tasks').set({ status, in_push: inPush }).where('id', '=', taskId).execute();

describe('while Temporal cannot be reached', () => {
  test('a pause still stops the senders, and says what is pending', async () => {
    await setStatus('sending', true);
    const push = await seedPush(api.deps.db, {
      appId: shop.appId,
      taskId,
      startedAt: api.clock.now,
      status: 'sending',
      deliveries: [{ status: 'pending', platform: 'ios' }],
    });
    const control = () =>
      api.deps.db
        .selectFrom('push_control')
        .select(['open', 'wanted', 'epoch'])
        .where('push_no', '=', push.no)
        .executeTakeFirst();
    await api.deps.db
      .updateTable('push_control')
      .set({ open: true })
      .where('push_no', '=', push.no)
      .execute();
    const { status, body } = await postAction('pause');
    expect(status).toBe(202);
    expect(body).toMatchObject({ pending: true, detail: expect.stringContaining('Sending is stopped') });
    expect(await control()).toEqual({ open: false, wanted: 'pause', epoch: 1 });
    await postAction('cancel');
    expect(await control()).toMatchObject({ open: false, wanted: 'cancel' });
  });

  test('actions that need the workflow are unavailable, and a draft stays a draft', async () => {
    expect((await postAction('submit')).status).toBe(503);
    const { body } = await shop.marketer.call('GET', `/v1/tasks/${taskId}`);
    expect(body['status']).toBe('draft');
  });
});

describe('an action that the status does not allow', () => {
  test.each([
    'withdraw',
    'send',
    'pause',
    'resume',
    'cancel',
  ])('%s of a draft is a 409 with the reason', async (name) => {
    const { status, body } = await postAction(name);
    expect(status).toBe(409);
    expect(body['detail']).toContain(`${name} is not allowed while the task is draft`);
  });

  test('approve and reject are refused, too, and only approvers may use them', async () => {
    expect((await decide('approve', { revision: 1 })).status).toBe(409);
    expect((await decide('reject', { revision: 1, reason: 'No' })).status).toBe(409);
    expect((await postAction('approve', { revision: 1 })).status).toBe(403);
  });
});

describe('submit', () => {
  test('repeats the checks whose result may have changed since the draft was made', async () => {
    const pushAt = new Date(api.clock.now.getTime() + 60_000).toISOString();
    const { body } = await shop.marketer.call('POST', '/v1/tasks', newTask(shop, { pushAt }));
    api.clock.advance(62 * 60_000);
    const late = await shop.marketer.call('POST', `/v1/tasks/${String(body['id'])}/submit`);
    expect(late.status).toBe(409);
    expect(late.body['errors']).toEqual([expect.objectContaining({ pointer: '/pushAt' })]);
  });

  test('names each missing audience and exclusion, of which the task has warned before', async () => {
    const other = await openShop(api);
    await api.deps.db
      .updateTable('audiences')
      .set({ app_id: shop.appId, name: 'Others' })
      .where('id', '=', other.audienceId)
      .execute();
    const exclusions = [{ id: other.audienceId }];
    const { body } = await shop.marketer.call('POST', '/v1/tasks', newTask(shop, { exclusions }));
    const codes = (task: Record<string, unknown>) =>
      (task['warnings'] as { code: string }[]).map(({ code }) => code);
    expect(codes(body)).not.toContain('audience_unreadable');
    await api.deps.db.deleteFrom('audience_versions').where('audience_id', '=', other.audienceId).execute();
    const url = `/v1/tasks/${String(body['id'])}`;
    expect(codes((await shop.marketer.call('GET', url)).body)).toContain('audience_unreadable');
    const refused = await shop.marketer.call('POST', `${url}/submit`);
    expect(refused.status).toBe(409);
    expect(refused.body['errors']).toEqual([expect.objectContaining({ pointer: '/exclusions/0' })]);
    const { db } = api.deps;
    await db.updateTable('tasks').set({ status: 'completed' }).where('id', '=', String(body['id'])).execute();
    expect(codes((await shop.marketer.call('GET', url)).body)).not.toContain('audience_unreadable');
  });
});

describe('the approval code', () => {
  const ask = (by = shop.approver) => by.call('GET', `/v1/tasks/${taskId}/approval-code`);

  test('comes with the exact command for the current revision', async () => {
    await setStatus('pending_approval');
    const { status, body } = await ask();
    expect(status).toBe(200);
    const payload = { approver: shop.approver.personId, revision: 1, code: body['code'] };
    const input = Buffer.from(JSON.stringify(payload)).toString('base64');
    expect(body['command']).toBe(
      'temporal workflow signal --address 127.0.0.1:1 --namespace default ' +
        `--workflow-id ${taskId} --name approve --input-meta encoding=binary/plain --input-base64 --input ${input}`,
    );
    expect(body['warnings']).toMatchObject([{ code: 'sends_on_command' }]);
  });

  test('is refused when the app has approval by signal disabled', async () => {
    await setStatus('pending_approval');
    await api.deps.db
      .updateTable('apps')
      .set({ signal_approval: 'off' })
      .where('id', '=', shop.appId)
      .execute();
    expect(await ask()).toMatchObject({
      status: 403,
      body: { detail: expect.stringContaining('by signal') },
    });
  });

  test('is refused to the maker of the revision', async () => {
    await setStatus('pending_approval');
    await api.deps.db
      .updateTable('people')
      .set({ role: 'approver' })
      .where('id', '=', shop.marketer.personId)
      .execute();
    api.app.guard.forget();
    expect(await ask(shop.marketer)).toMatchObject({ status: 403 });
  });
});
