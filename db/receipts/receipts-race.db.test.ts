import { expect, test } from 'vitest';
import { reconcile } from '../../domain/pushes/metrics.ts';
import { type SeededDelivery, seedPerson, seedPush, seedTask } from '../../test/fixtures/ledger-fixture.ts';
import { useTestDatabase } from '../../test/setup/database.ts';
import { lockLedgerExclusive } from '../ledger/push-lock.ts';
import { sweepInFlight } from '../ledger/sweep.ts';
import { readStatistics, recountStatistics } from '../statistics/statistics.ts';
import { recordReceipts } from './receipts.ts';

const database = useTestDatabase();
const START = new Date('2026-11-22T10:00:00Z');
const DEVICES = 300;

async function newPush() {
  const { db } = database;
  const { appId, personId } = await seedPerson(db, START);
  const taskId = await seedTask(db, { appId, personId, now: START });
  const deliveries = Array.from(
    { length: DEVICES },
    (_, index): SeededDelivery => ({ status: 'pending', platform: index % 2 === 0 ? 'ios' : 'android' }),
  );
  const push = await seedPush(db, { appId, taskId, startedAt: START, deliveries, status: 'sending' });
  await db.updateTable('leases').set({ claimed_to: DEVICES }).where('push_no', '=', push.no).execute();
  const open = (deliveryNo: number) =>
    recordReceipts(db, {
      now: START,
      appId,
      source: 'sdk',
      receipts: [
        {
          pushNo: push.no,
          deliveryNo,
          kind: 'open',
          eventId: 'a',
          at: START.getTime(),
          blocked: false,
          index: 0,
        },
      ],
    });
  return { push, open };
}

test('receipts that arrive while the sender settles their rows are counted by exactly one of the two', async () => {
  const { db } = database;
  for (let round = 0; round < 5; round++) {
    const { push, open } = await newPush();
    const numbers = Array.from({ length: 60 }, (_, index) => 1 + ((index * 7) % DEVICES));
    const lease = { pushNo: push.no, leaseNo: 0, partitionStart: push.partitionStart, now: START };
    const half = numbers.length / 2;
    await Promise.all([
      ...numbers.slice(0, half).map(open),
      sweepInFlight(db, lease),
      ...numbers.slice(half).map(open),
    ]);
    const live = await readStatistics(db, { pushNo: push.no, now: START });
    expect(live?.statistics).toEqual(
      await recountStatistics(db, { pushNo: push.no, partitionStart: push.partitionStart }),
    );
    expect(live && reconcile(live.statistics)).toEqual([]);
    expect(live?.statistics).toMatchObject({ opens: 60, success: 60, pending: 0, sent: DEVICES });
  }
});

test('no receipt is counted after the push was frozen, whenever it arrived', async () => {
  const { db } = database;
  const { push, open } = await newPush();
  const frozen = db.transaction().execute(async (trx) => {
    await lockLedgerExclusive(trx, push.no);
    const late = Promise.all([1, 2, 3].map(open));
    const statistics = await recountStatistics(trx, { pushNo: push.no, partitionStart: push.partitionStart });
    await trx
      .updateTable('pushes')
      .set({ statistics: JSON.stringify(statistics), finalised_at: START })
      .where('no', '=', push.no)
      .execute();
    return { statistics, late };
  });
  const { statistics, late } = await frozen;
  expect((await late).map((results) => results.get(0))).toEqual(['late', 'late', 'late']);
  const answer = await readStatistics(db, { pushNo: push.no, now: START });
  expect(answer).toMatchObject({ final: true, late: 3, statistics });
  expect(await recountStatistics(db, { pushNo: push.no, partitionStart: push.partitionStart })).toMatchObject(
    { opens: null },
  );
});

test('a receipt that is late already does not wait for the push to be finalised', async () => {
  const { db } = database;
  const { push, open } = await newPush();
  await db.updateTable('pushes').set({ window_ends_at: START }).where('no', '=', push.no).execute();
  await db.transaction().execute(async (trx) => {
    await lockLedgerExclusive(trx, push.no);
    expect((await open(1)).get(0)).toBe('late');
  });
  expect((await readStatistics(db, { pushNo: push.no, now: START }))?.late).toBe(1);
});
