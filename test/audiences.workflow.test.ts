import { sql } from 'kysely';
import { beforeAll, expect, test } from 'vitest';
import { recordHistory } from './replay/record.ts';
import { fixture } from './setup/fixture.ts';
import { createLocal } from './setup/temporal-environment.ts';
import { callAction, createTask, openShopWithDevices } from './world/shop.ts';
import { pushIdOf, pushIn, startTask } from './world/task.ts';
import { useWorld } from './world/world.ts';

const world = useWorld(createLocal, { receiptWindowMs: 2500 });
const shop = fixture(beforeAll, () => openShopWithDevices(world, 20));
beforeAll(async () => {
  await sql`update devices set attributes = jsonb_build_object('id', device_id) where app_id = ${shop.appId}`.execute(
    world.db,
  );
});

interface Statistics {
  readonly statistics: { readonly planned: number; readonly sent: number; readonly suppressed: number };
}

async function madeRule(rule: object): Promise<{ id: string }> {
  const { status, body } = await shop.call<{ id: string }>(shop.marketer, 'POST', '/v1/audiences', {
    name: 'Rule',
    kind: 'rule',
    rule,
  });
  expect(status).toBe(201);
  return { id: body.id };
}
async function pushed(taskId: string, status = 'completed') {
  const id = pushIdOf(taskId);
  const { statusReason: reason } = await pushIn(shop, id, status);
  const numbers = await shop.call<Statistics>(shop.marketer, 'GET', `/v1/pushes/${id}/statistics`);
  return { id, reason, ...numbers.body.statistics };
}
const ios = { field: 'platform', op: 'in', value: ['ios'] };

test('a push goes to the devices that meet a rule, without those of an excluded audience', async () => {
  const audience = await madeRule(ios);
  const excluded = await madeRule({ field: 'attribute', name: 'id', op: 'in', value: ['d1', 'd2', 'd3'] });
  const taskId = await startTask(shop, { audience, exclusions: [excluded] });
  expect(await pushed(taskId)).toMatchObject({ planned: 10, suppressed: 2, sent: 8 });
});

test('an audience frozen at approval has the members of that moment, any other those of the push', async () => {
  const audience = await madeRule(ios);
  const [frozen, current] = [
    await startTask(shop, { audience, pushType: 'manual', audienceAt: 'approval' }),
    await startTask(shop, { audience, pushType: 'manual' }),
  ];
  await sql`insert into devices (app_id, device_id, platform, channel, token, token_state, created_at, updated_at)
    select app_id, 'late', platform, channel, repeat('ab', 32), 'active', created_at, updated_at
    from devices where device_id = 'd1' and app_id = ${shop.appId}`.execute(world.db);
  for (const taskId of [frozen, current])
    expect((await callAction(shop, shop.marketer, taskId, 'send')).status).toBe(200);
  const [first, second] = [await pushed(frozen), await pushed(current)];
  expect([first, second]).toMatchObject([
    { planned: 10, sent: 10 },
    { planned: 11, sent: 11 },
  ]);
  await callAction(shop, shop.marketer, frozen, 'cancel');
  await recordHistory(world, frozen, 'frozen-audience');
});

test('a rule that can no longer be computed fails the push with the reason, and nothing is sent', async () => {
  const audience = await madeRule({ not: ios });
  const taskId = await createTask(shop, { audience });
  expect((await callAction(shop, shop.marketer, taskId, 'submit')).status).toBe(200);
  const source = { rule: { not: { field: 'push', op: 'opened', pushId: 'push-0123456789-1' } } };
  await sql`update audience_versions set source = ${JSON.stringify(source)}::jsonb where audience_id = ${audience.id}`.execute(
    world.db,
  );
  expect((await callAction(shop, shop.approver, taskId, 'approve', { revision: 1 })).status).toBe(200);
  const { id, reason, planned } = await pushed(taskId, 'failed');
  expect([reason, planned]).toEqual([expect.stringContaining('push-0123456789-1 are not available'), 0]);
  await recordHistory(world, id, 'push-failed');
});
