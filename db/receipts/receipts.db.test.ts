import { describe, expect, test } from 'vitest';
import type { Receipt } from '../../domain/receipts/receipt.ts';
import {
  type SeededDelivery,
  type SeededPush,
  seedPerson,
  seedPush,
  seedTask,
} from '../../test/fixtures/ledger-fixture.ts';
import { useTestDatabase } from '../../test/setup/database.ts';
import { readStatistics, recountStatistics } from '../statistics/statistics.ts';
import { dropOldLate } from './late-receipts.ts';
import { recordReceipts } from './receipts.ts';

const database = useTestDatabase();
const START = new Date('2026-11-22T10:00:00Z');
const LATER = new Date('2026-11-22T11:00:00Z');

async function pushOf(...deliveries: SeededDelivery[]) {
  const { appId, personId } = await seedPerson(database.db, START);
  const taskId = await seedTask(database.db, { appId, personId, now: START });
  return { appId, push: await seedPush(database.db, { appId, taskId, startedAt: START, deliveries }) };
}

function receipt(push: SeededPush, n: number, kind: Receipt['kind'], more: Partial<Receipt> = {}): Receipt {
  return {
    pushNo: push.no,
    deliveryNo: n,
    kind,
    eventId: `${kind}-${n}`,
    at: LATER.getTime(),
    blocked: false,
    ...more,
  };
}

async function record(appId: string, receipts: Receipt[], now = LATER) {
  const results = await recordReceipts(database.db, {
    now,
    appId,
    source: 'sdk',
    receipts: receipts.map((one, index) => ({ ...one, index })),
  });
  return receipts.map((_, index) => results.get(index));
}

async function figures(push: SeededPush) {
  const answer = await readStatistics(database.db, { pushNo: push.no, now: LATER });
  expect(answer?.statistics).toEqual(
    await recountStatistics(database.db, { pushNo: push.no, partitionStart: push.partitionStart }),
  );
  return answer?.statistics;
}

const android: SeededDelivery = { status: 'accepted', platform: 'android' };
const ios: SeededDelivery = { status: 'accepted', platform: 'ios' };

describe('receipts', () => {
  test('the first receipt makes a success of no feedback; the same again changes nothing', async () => {
    const { appId, push } = await pushOf(android);
    expect(await figures(push)).toMatchObject({ success: 0, noFeedback: 1 });
    expect(await record(appId, [receipt(push, 1, 'delivered')])).toEqual(['counted']);
    expect(await record(appId, [receipt(push, 1, 'delivered')])).toEqual(['duplicate']);
    expect(await figures(push)).toMatchObject({ success: 1, noFeedback: 0, deliveries: 1 });
  });

  test('an open before its delivery implies it', async () => {
    const { appId, push } = await pushOf(android);
    expect(await record(appId, [receipt(push, 1, 'open')])).toEqual(['counted']);
    expect(await record(appId, [receipt(push, 1, 'delivered')])).toEqual(['duplicate']);
    expect(await figures(push)).toMatchObject({ deliveries: 1, opens: 1, taps: 1 });
  });

  test('two taps are one distinct open; one event is one tap however often it arrives', async () => {
    const { appId, push } = await pushOf(ios);
    const taps = [
      receipt(push, 1, 'open', { eventId: 'a' }),
      receipt(push, 1, 'open', { eventId: 'b' }),
      receipt(push, 1, 'open', { eventId: 'a' }),
    ];
    expect(await record(appId, taps)).toEqual(['counted', 'counted', 'duplicate']);
    expect(await figures(push)).toMatchObject({ opens: 1, taps: 2, openRate: 1 });
  });

  test('a failure whose outcome was unknown becomes a success', async () => {
    const { appId, push } = await pushOf({ status: 'ambiguous', platform: 'ios', reason: 'timeout' });
    expect(await figures(push)).toMatchObject({ failures: 1, failureReasons: { unknown_outcome: 1 } });
    await record(appId, [receipt(push, 1, 'impression')]);
    expect(await figures(push)).toMatchObject({ failures: 0, success: 1, failureReasons: {} });
  });

  test('delivered and blocked counts as blocked, whichever came first', async () => {
    const { appId, push } = await pushOf(android, android);
    const blocked = receipt(push, 1, 'delivered', { blocked: true });
    await record(appId, [receipt(push, 1, 'delivered')]);
    expect(await record(appId, [blocked])).toEqual(['counted']);
    expect(await record(appId, [blocked])).toEqual(['duplicate']);
    expect(await figures(push)).toMatchObject({ blocked: 1, deliveries: 1 });
  });

  test('a blocked delivery is an impression when the device reports one, in any order, and never by itself', async () => {
    const { appId, push } = await pushOf(android, android, android);
    const blocked = (n: number) => receipt(push, n, 'delivered', { blocked: true });
    await record(appId, [blocked(1), blocked(2), receipt(push, 3, 'delivered')]);
    expect(await figures(push)).toMatchObject({ deliveries: 3, blocked: 2, impressions: 0, opens: 0 });
    await record(appId, [receipt(push, 2, 'impression')]);
    await record(appId, [receipt(push, 3, 'impression'), blocked(3)]);
    expect(await figures(push)).toMatchObject({ deliveries: 3, blocked: 3, impressions: 2 });
  });

  test('iOS has no dismissals, and such a receipt delivers nothing; the web has them', async () => {
    const { appId, push } = await pushOf(
      { status: 'ambiguous', platform: 'ios' },
      { status: 'accepted', platform: 'web' },
    );
    const dismissals = [receipt(push, 1, 'dismissal'), receipt(push, 2, 'dismissal')];
    expect(await record(appId, dismissals)).toEqual(['not_supported', 'counted']);
    expect(await figures(push)).toMatchObject({ dismissals: 1, success: 1, failures: 1 });
  });

  test('before the sender settled the row a receipt moves no send result', async () => {
    const { appId, push } = await pushOf({ status: 'pending', platform: 'android' });
    expect(await record(appId, [receipt(push, 1, 'open')])).toEqual(['counted']);
    expect(await figures(push)).toMatchObject({ pending: 1, sent: 0, opens: 1 });
  });

  test('from the end of the window on, receipts are counted apart', async () => {
    const { appId, push } = await pushOf(android);
    const justBefore = new Date(push.windowEndsAt.getTime() - 1);
    expect(await record(appId, [receipt(push, 1, 'delivered')], push.windowEndsAt)).toEqual(['late']);
    expect(await record(appId, [receipt(push, 1, 'delivered')], justBefore)).toEqual(['counted']);
    expect(await figures(push)).toMatchObject({ late: 1, success: 1 });
  });

  test('a receipt that is repeated after the window counts once; a month later it is not counted', async () => {
    const { appId, push } = await pushOf(android, android);
    const days = (n: number) => new Date(push.windowEndsAt.getTime() + n * 86_400_000);
    const told = [receipt(push, 1, 'open'), receipt(push, 2, 'delivered')];
    expect(await record(appId, [...told, ...told, receipt(push, 1, 'delivered')], days(1))).toEqual(
      Array.from({ length: 5 }, () => 'late'),
    );
    await dropOldLate(database.db, days(29));
    await record(appId, told.toReversed(), days(29));
    expect(await figures(push)).toMatchObject({ late: 3 });
    await dropOldLate(database.db, days(30));
    expect(await record(appId, told, days(30))).toEqual(['late', 'late']);
    expect(await figures(push)).toMatchObject({ late: 3 });
    expect(await database.db.selectFrom('late_receipts').selectAll().execute()).toEqual([]);
  });

  test("another app's, an unsent device's and a made-up delivery are all unknown", async () => {
    const { push } = await pushOf(android);
    const other = await pushOf({ status: 'suppressed', platform: 'ios', reason: 'control_group' });
    const receipts = [
      receipt(push, 1, 'open'),
      receipt(other.push, 1, 'open'),
      receipt(other.push, 2, 'open'),
      { ...receipt(push, 1, 'open'), pushNo: 999_999 },
    ];
    expect(await record(other.appId, receipts)).toEqual(['unknown', 'unknown', 'unknown', 'unknown']);
    expect(await figures(push)).toMatchObject({ opens: null, noFeedback: 1 });
  });
});
