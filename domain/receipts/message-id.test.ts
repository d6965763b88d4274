import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { approvalCode, verifyApprovalCode } from '../tasks/approval-code.ts';
import { decodeMessageId, encodeMessageId, type Mac } from './message-id.ts';

const macOf =
  (key: string): Mac =>
  (data) =>
    createHmac('sha256', key).update(data).digest();
const mac = macOf('ours');
const refs = fc.record({
  pushNo: fc.integer({ min: 1, max: 2 ** 48 - 1 }),
  deliveryNo: fc.integer({ min: 1, max: 2 ** 32 - 1 }),
});

test('a message ID of 36 characters gives its delivery', () => {
  fc.assert(
    fc.property(refs, (ref) => {
      const id = encodeMessageId(mac, ref);
      expect(id).toHaveLength(36);
      expect(decodeMessageId(mac, id)).toEqual(ref);
    }),
  );
});

test('a changed, forged or invented message ID gives no delivery', () => {
  fc.assert(
    fc.property(refs, fc.nat(35), fc.string(), (ref, place, text) => {
      const id = encodeMessageId(mac, ref);
      const changed = `${id.slice(0, place)}${id[place] === 'A' ? 'B' : 'A'}${id.slice(place + 1)}`;
      expect(decodeMessageId(mac, changed)).toBeUndefined();
      expect(decodeMessageId(macOf('theirs'), id)).toBeUndefined();
      expect(decodeMessageId(mac, text)).toBeUndefined();
    }),
  );
});

test('after a change of keys message IDs of the previous key count, older ones do not', () => {
  fc.assert(
    fc.property(refs, fc.integer({ min: 1, max: 253 }), (ref, version) => {
      const signer = (key: string, at: number, more: object = {}) =>
        Object.assign((data: Uint8Array) => macOf(key)(data), { version: at, ...more });
      const first = signer('first', version);
      const second = signer('second', version + 1, { previous: first });
      const third = signer('third', version + 2, { previous: second });
      const id = encodeMessageId(first, ref);
      expect(decodeMessageId(second, id)).toEqual(ref);
      expect(decodeMessageId(second, encodeMessageId(second, ref))).toEqual(ref);
      expect(decodeMessageId(third, id)).toBeUndefined();
    }),
  );
});

test('an approval code is valid for one approver, one revision, one submission and one way', () => {
  const subject = { taskId: 'task-0000000000', submission: 1, revision: 2, approver: 'person-a000000000' };
  const code = approvalCode(mac, 'signal', subject);
  expect(verifyApprovalCode(mac, subject, code)).toBe('signal');
  expect(verifyApprovalCode(mac, subject, approvalCode(mac, 'api', subject))).toBe('api');
  const others = [
    { approver: 'person-b000000000' },
    { revision: 3 },
    { submission: 2 },
    { taskId: 'task-1111111111' },
  ];
  for (const other of others) {
    expect(verifyApprovalCode(mac, { ...subject, ...other }, code)).toBeUndefined();
  }
  expect(verifyApprovalCode(mac, subject, '')).toBeUndefined();
});
