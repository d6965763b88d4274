import type { KyselyPlugin } from 'kysely';
import { beforeAll, expect, test } from 'vitest';
import { CounterDeltas } from '../../db/ledger/counters.ts';
import { hourDeltas } from '../../db/ledger/hours.ts';
import { PLATFORM_CODE } from '../../domain/pushes/delivery.ts';
import { seedPush, seedTask } from '../../test/fixtures/ledger-fixture.ts';
import { openShop } from '../../test/fixtures/shop-fixture.ts';
import { useTestApi } from '../../test/fixtures/test-api.ts';
import { fixture } from '../../test/setup/fixture.ts';
import { readPushStatistics } from './push-statistics.ts';

const api = useTestApi();
const pushed = fixture(beforeAll, async () => {
  const { db } = api.deps;
  const startedAt = api.clock.now;
  const { appId, marketer } = await openShop(api);
  const taskId = await seedTask(db, { appId, personId: marketer.personId, now: startedAt });
  const { no } = await seedPush(db, {
    appId,
    taskId,
    startedAt,
    deliveries: [{ status: 'accepted', platform: 'ios' }],
  });
  return { no };
});

/** Counts an open in the way that a receipt does. */
async function countOpen(): Promise<void> {
  const { db } = api.deps;
  const platform = PLATFORM_CODE.ios;
  const counted = new CounterDeltas();
  counted.add(pushed.no, { platform, locale: 0, metric: 'open', reason: '' }, 1);
  await counted.write(db, 0);
  const hours = hourDeltas();
  hours.add({ push_no: pushed.no, hour: 0, platform, metric: 'open' }, 1);
  await hours.write(db, 0);
}

/** A database that counts an open between its first statement and the next. */
function openedBetween() {
  let isFirst = true;
  const plugin: KyselyPlugin = {
    transformQuery: ({ node }) => node,
    transformResult: async ({ result }) => {
      if (isFirst) {
        isFirst = false;
        await countOpen();
      }
      return result;
    },
  };
  return api.deps.db.withPlugin(plugin);
}

test("a push's figures and its hours come from one snapshot", async () => {
  const detail = await readPushStatistics({ ...api.deps, db: openedBetween() }, pushed.no);
  const opens = (detail?.hours ?? []).reduce((sum, hour) => sum + (hour.opens ?? 0), 0);
  expect([detail?.statistics.planned, opens]).toEqual([1, detail?.statistics.opens ?? 0]);
});
