import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodeMessageId, type Mac } from './message-id.ts';
import { RECEIPT_KINDS } from './receipt.ts';
import { correctedTime, isPlainReceipt, ReceiptInput, readReceipts } from './receipt-reader.ts';

const mac: Mac = (data) => createHmac('sha256', 'ours').update(data).digest();
const NOW = new Date('2026-11-22T10:00:00Z');

const time = fc
  .date({ min: new Date('1990-01-01'), max: new Date('2150-01-01'), noInvalidDate: true })
  .map((date) => date.toISOString());
const mostly = <A, B>(usual: fc.Arbitrary<A>, other: fc.Arbitrary<B>) =>
  fc.oneof({ arbitrary: usual, weight: 9 }, { arbitrary: other, weight: 1 });
/** Receipts, some with a fault. */
const item = fc.record(
  {
    messageId: mostly(fc.constant('x'.repeat(36)), fc.string()),
    kind: mostly(fc.constantFrom(...RECEIPT_KINDS), fc.constantFrom('seen', null)),
    eventId: mostly(fc.stringMatching(/^[\x21-\x7e]{1,64}$/), fc.string()),
    at: fc.oneof(
      { arbitrary: time, weight: 3 },
      fc.constantFrom(
        '2026-02-29T00:00:00Z',
        '2028-02-29T00:00:00Z',
        '2026-11-22T10:00:00+08:00',
        '2026-11-22',
      ),
      fc.stringMatching(/^20\d\d-[01]\d-[0-3]\dT[0-2]\d:[0-6]\d:[0-6]\d(\.\d{1,4})?Z$/),
    ),
    blocked: fc.constantFrom(true, false, undefined, 'yes', null),
  },
  { requiredKeys: ['messageId', 'kind', 'eventId', 'at'] },
);

test('a receipt that passes the quick check is equal by the schema', () => {
  let plain = 0;
  fc.assert(
    fc.property(mostly(item, fc.anything()), (value) => {
      if (!isPlainReceipt(value)) return;
      plain++;
      const parsed = ReceiptInput.safeParse(value);
      expect(parsed.success && parsed.data).toEqual({ blocked: false, ...value });
      expect(Number.isNaN(Date.parse(value.at))).toBe(false);
    }),
    { numRuns: 5_000 },
  );
  expect(plain).toBeGreaterThan(500);
});

test('a receipt with an offset or on a leap day is read by the schema', () => {
  const at = ['2026-11-22T17:00:00+08:00', '2024-02-29T09:00:00Z'];
  const items = at.map((one) => ({
    messageId: encodeMessageId(mac, { pushNo: 1, deliveryNo: 2 }),
    kind: 'open',
    eventId: 'tap',
    at: one,
  }));
  const { receipts } = readReceipts(mac, items, { now: NOW, sentAt: undefined });
  expect(receipts.map((receipt) => receipt.at)).toEqual(at.map((one) => Date.parse(one)));
});

test("a wrong clock does not change a receipt's age, and no receipt is in the future", () => {
  fc.assert(
    fc.property(fc.nat(10 ** 9), fc.integer({ min: -(10 ** 12), max: 10 ** 12 }), (ago, skew) => {
      const sentAt = new Date(NOW.getTime() + skew);
      expect(correctedTime(sentAt.getTime() - ago, { now: NOW, sentAt })).toBe(NOW.getTime() - ago);
      expect(correctedTime(sentAt.getTime() + ago, { now: NOW, sentAt })).toBe(NOW.getTime());
    }),
  );
});
