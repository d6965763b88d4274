import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PLATFORMS } from '../../domain/platform.ts';
import { reconcile, reconcileVariants } from '../../domain/pushes/metrics.ts';
import { RECEIPT_KINDS, type Receipt } from '../../domain/receipts/receipt.ts';
import { type SeededDelivery, seedPerson, seedPush, seedTask } from '../../test/fixtures/ledger-fixture.ts';
import { useTestDatabase } from '../../test/setup/database.ts';
import { readHours, recountHours } from '../ledger/hours.ts';
import { finalisePush } from '../statistics/finalise.ts';
import { readStatistics, recountStatistics } from '../statistics/statistics.ts';
import { recordReceipts } from './receipts.ts';

const database = useTestDatabase();
const START = new Date('2026-11-22T10:00:00Z');
const DEVICES = 6;

/** Two locales: each platform has three variants. */
const content = { locales: { de: { title: 'Angebot' }, fr: { title: 'Offre' } } };
const delivery = fc
  .record({
    status: fc.constantFrom('pending', 'accepted', 'rejected', 'ambiguous', 'unreachable', 'suppressed'),
    platform: fc.constantFrom(...PLATFORMS),
    locale: fc.constantFrom(0, 1, 2),
    reason: fc.constantFrom('one', 'two'),
  })
  .map(
    ({ locale, ...rest }): SeededDelivery => ({
      ...rest,
      variant: locale * PLATFORMS.length + PLATFORMS.indexOf(rest.platform),
    }),
  );
const receipt = fc.record({
  deliveryNo: fc.integer({ min: 1, max: DEVICES + 1 }),
  kind: fc.constantFrom(...RECEIPT_KINDS),
  eventId: fc.constantFrom('a', 'b', 'c'),
  at: fc.integer({ min: 0, max: 100 }).map((minutes) => START.getTime() + minutes * 60_000),
  blocked: fc.boolean(),
});
type Drawn = Omit<Receipt, 'pushNo'>;

/** The same receipts: as drawn, and again shuffled with every one of them twice. */
const batches = fc
  .array(fc.array(receipt, { minLength: 1, maxLength: 12 }), { minLength: 1, maxLength: 4 })
  .chain((first) =>
    fc.record({
      first: fc.constant(first),
      again: fc
        .shuffledSubarray([...first.flat(), ...first.flat()], { minLength: first.flat().length * 2 })
        .map((all) => all.reduce<Drawn[][]>(intoFours, [])),
    }),
  );

test('any order, repetition and concurrency of batches gives the same counters, by platform, variant and hour, equal to a recount', async () => {
  const { appId, personId } = await seedPerson(database.db, START);
  const newPush = async (deliveries: SeededDelivery[]) => {
    const taskId = await seedTask(database.db, { appId, personId, content, now: START });
    return await seedPush(database.db, { appId, taskId, startedAt: START, deliveries });
  };
  const record = (pushNo: number, receipts: Drawn[]) =>
    recordReceipts(database.db, {
      now: new Date(START.getTime() + 3_600_000),
      appId,
      source: 'sdk',
      receipts: receipts.map((one, index) => ({ ...one, pushNo, index })),
    });
  const statistics = async (push: { no: number; partitionStart: Date }) => {
    const live = await readStatistics(database.db, { pushNo: push.no, now: START });
    expect(live?.statistics).toEqual(
      await recountStatistics(database.db, { pushNo: push.no, partitionStart: push.partitionStart }),
    );
    expect(live && [...reconcile(live.statistics), ...reconcileVariants(live.statistics)]).toEqual([]);
    const hours = await readHours(database.db, push.no);
    expect(hours).toEqual(
      await recountHours(database.db, { pushNo: push.no, partitionStart: push.partitionStart, since: START }),
    );
    return { statistics: live?.statistics, hours };
  };

  await fc.assert(
    fc.asyncProperty(
      fc.array(delivery, { minLength: DEVICES, maxLength: DEVICES }),
      batches,
      async (deliveries, { first, again }) => {
        const orderly = await newPush(deliveries);
        for (const batch of first) await record(orderly.no, batch);
        const once = await statistics(orderly);
        for (const batch of again) await record(orderly.no, batch);
        expect(await statistics(orderly)).toEqual(once);

        const wild = await newPush(deliveries);
        await Promise.all([...again, ...first].map((batch) => record(wild.no, batch)));
        expect(await statistics(wild)).toEqual(once);

        const args = { push: wild, now: wild.windowEndsAt };
        expect(await finalisePush(database.db, args)).toEqual([]);
        expect(await statistics(wild)).toEqual(once);
      },
    ),
    { numRuns: 40 },
  );
});

function intoFours(groups: Drawn[][], one: Drawn, index: number): Drawn[][] {
  if (index % 4 === 0) groups.push([]);
  groups.at(-1)?.push(one);
  return groups;
}
