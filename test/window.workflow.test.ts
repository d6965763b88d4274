import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { createTimeSkipping } from './setup/temporal-environment.ts';
import { openShopWithDevices, type Shop } from './world/shop.ts';
import { pushIdOf, startTask, taskIn } from './world/task.ts';
import { useWorld } from './world/world.ts';

const world = useWorld(createTimeSkipping);

const HOUR = 3_600_000;

interface StatisticsBody {
  final: boolean;
  windowEndsAt: string;
  late: number;
  statistics: Record<string, number>;
}

async function messageIds(): Promise<Map<string, string>> {
  const log = await world.simulators.control.log();
  return new Map(log.map((request) => [request.token, request.messageId ?? '']));
}

async function receipt(shop: Shop, messageId: string, kind: string): Promise<string | undefined> {
  const at = (await world.clock()).toISOString();
  const { body } = await shop.call<{ results: { result: string }[] }>(shop.sdkKey, 'POST', '/v1/receipts', {
    receipts: [{ messageId, kind, eventId: `${messageId}-${kind}`, at }],
  });
  return body.results[0]?.result;
}

test('receipts count for 72 hours, then the statistics are frozen and the deliveries are gone', async () => {
  const shop = await openShopWithDevices(world, 40);
  const pushAt = new Date((await world.clock()).getTime() + 2 * HOUR).toISOString();
  const taskId = await startTask(shop, { pushAt });
  await world.env.sleep(2 * HOUR + 1000);
  const pushId = pushIdOf(taskId);
  await taskIn(shop, taskId, 'collecting');

  const statistics = async () =>
    (await shop.call<StatisticsBody>(shop.marketer, 'GET', `/v1/pushes/${pushId}/statistics`)).body;
  const sent = await statistics();
  expect(sent).toMatchObject({
    final: false,
    statistics: { planned: 40, sent: 40, success: 20, noFeedback: 20 },
  });

  const ids = [...(await messageIds()).values()];
  expect(ids).toHaveLength(40);
  const remaining = Date.parse(sent.windowEndsAt) - (await world.clock()).getTime();
  await world.env.sleep(remaining - 60_000);
  expect(await receipt(shop, ids[0] ?? '', 'open')).toBe('counted');
  expect((await statistics()).statistics).toMatchObject({ opens: 1 });
  await world.env.sleep(120_000);

  expect(await receipt(shop, ids[1] ?? '', 'open')).toBe('late');
  await taskIn(shop, taskId, 'completed');
  const frozen = await statistics();
  expect(frozen).toMatchObject({ final: true, late: 1, statistics: { opens: 1, sent: 40 } });
  const details = await shop.call(shop.marketer, 'GET', `/v1/pushes/${pushId}/deliveries`);
  expect(details.status).toBe(410);
  const left = await sql<{ rows: number }>`select count(*) as rows from deliveries`.execute(world.db);
  expect(left.rows[0]?.rows).toBe(0);
});
