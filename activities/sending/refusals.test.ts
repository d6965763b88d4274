import { describe, expect, test } from 'vitest';
import { createRefusals, type Refused } from './refusals.ts';

const odd: Refused = { kind: 'refused', fault: 'message', reason: 'INVALID_ARGUMENT' };
const named: Refused = { kind: 'refused', fault: 'credential', reason: 'InvalidProviderToken' };

/** A push whose answers come one per millisecond, each to a message written a millisecond before. */
function newPush({ isTrusted = false } = {}) {
  const refusals = createRefusals()({ pushNo: 1, epoch: 1, isTrusted });
  let now = 0;
  const times = <T>(count: number, answer: () => T) => Array.from({ length: count }, answer);
  return {
    refusals,
    /** `age` is how long ago the message was written. */
    accept: (count: number, age = 1) => times(count, () => refusals.accepted('fcm', ++now - age)),
    refuse: (count: number, outcome = odd) => times(count, () => refusals.refused('fcm', outcome, ++now)),
  };
}

describe('a device that was refused is at fault', () => {
  test('once a message that was written later is accepted', () => {
    const { refusals, accept, refuse } = newPush();
    const [refusal] = refuse(1);
    if (refusal === undefined) throw new Error('no refusal');
    accept(20, 100);
    expect(refusals.isOfDevice(refusal)).toBe(false);
    accept(2);
    expect(refusals.isOfDevice(refusal)).toBe(true);
  });

  test('when it is the only one of a push that ends', () => {
    const { refusals, accept, refuse } = newPush();
    accept(200);
    refuse(1);
    refusals.conclude('fcm');
    expect(refusals.halt).toBeUndefined();
  });

  test('when it is one of few on a channel of a push whose other channel works', () => {
    const { refusals, refuse } = newPush();
    refusals.accepted('apns', 0);
    refuse(5);
    refusals.conclude('fcm');
    expect(refusals.halt).toBeUndefined();
  });

  test('among half of all, however long it goes on', () => {
    const { refusals, accept, refuse } = newPush();
    for (let i = 0; i < 1000; i++) {
      accept(1);
      refuse(1);
    }
    expect(refusals.halt).toBeUndefined();
  });

  test('among dozens in a row, which may come from one file', () => {
    const { refusals, accept, refuse } = newPush();
    accept(1000);
    refuse(99);
    accept(2);
    refuse(99);
    expect(refusals.halt).toBeUndefined();
  });
});

describe('a push pauses', () => {
  test.each([
    ['twenty answers that name the credential', named, 20, 'credential refused by the push service: Inv'],
    ['a hundred answers to one message each', odd, 100, 'too many messages were refused by the push service'],
  ])('after %s, and no sooner', (_, outcome, count, reason) => {
    const { refusals, refuse } = newPush();
    refuse(count - 1, outcome);
    expect(refusals.halt).toBeUndefined();
    refuse(1, outcome);
    expect(refusals.halt).toContain(reason);
  });

  test('when a credential is revoked, although messages under way are still accepted', () => {
    const { refusals, accept, refuse } = newPush();
    accept(5000);
    for (let i = 0; i < 15; i++) {
      accept(1, 100);
      refuse(1, named);
    }
    expect(refusals.halt).toBeUndefined();
    refuse(10, named);
    expect(refusals.halt).toContain('InvalidProviderToken');
  });

  test('when a small push is refused as a whole', () => {
    const { refusals, refuse } = newPush();
    refuse(3);
    refusals.conclude('fcm');
    expect(refusals.halt).toContain('INVALID_ARGUMENT');
  });

  test('when the only answer names the credential', () => {
    const { refusals, refuse } = newPush();
    refuse(1, named);
    refusals.conclude('fcm');
    expect(refusals.halt).toContain('InvalidProviderToken');
  });
});

test('a push that was resumed after such a pause asks many more devices before it pauses again', () => {
  const { refusals, refuse } = newPush({ isTrusted: true });
  refuse(1999);
  expect(refusals.halt).toBeUndefined();
  refuse(1);
  expect(refusals.halt).toContain('INVALID_ARGUMENT');
});

test('refusals that were put back do not count, and a new epoch begins without a halt', () => {
  const refusalsOf = createRefusals();
  const first = refusalsOf({ pushNo: 1, epoch: 1, isTrusted: false });
  first.withdraw(new Set(Array.from({ length: 99 }, () => first.refused('fcm', odd, 0))));
  first.refused('fcm', odd, 1);
  expect(first.halt).toBeUndefined();
  for (let i = 0; i < 100; i++) first.refused('fcm', odd, 1);
  expect(first.halt).toBeDefined();
  expect(refusalsOf({ pushNo: 1, epoch: 1, isTrusted: false }).halt).toBeDefined();
  const second = refusalsOf({ pushNo: 1, epoch: 2, isTrusted: false });
  second.refused('fcm', odd, 2);
  expect(second.halt).toBeUndefined();
});

test('many leases of one refused device each pause the push', () => {
  const { refusals, refuse } = newPush();
  for (let lease = 0; lease < 4 && refusals.halt === undefined; lease++) {
    const refused = refuse(1);
    refusals.conclude('fcm');
    refusals.withdraw(new Set(refused), 'settled');
    if (lease < 2) expect(refusals.halt).toBeUndefined();
  }
  expect(refusals.halt).toContain('INVALID_ARGUMENT');
});

test('one answer that names the credential among a hundred is not the reason of the pause', () => {
  const { refusals, refuse } = newPush();
  refuse(1, named);
  refuse(99);
  expect(refusals.halt).toContain('too many messages');
});
