import { describe, expect, test } from 'vitest';
import { isSendable, sift } from './sift.ts';

const throwing = () => {
  throw new Error('boom');
};
const itself: Record<string, unknown> = {};
itself['self'] = itself;
const deep = () => {
  let value: object = {};
  for (let i = 0; i < 100_000; i++) value = { value };
  return value;
};
const revoked = () => {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
};

const UNFIT: readonly (readonly [what: string, value: unknown, detail: RegExp])[] = [
  ['a bigint', 1n, /^is a bigint/],
  ['a bigint inside', { a: [1n] }, /^is a bigint/],
  ['a function', throwing, /^is a function/],
  ['a symbol', Symbol('s'), /^is a symbol/],
  ['a map', new Map([[1, 2]]), /^is a Map/],
  ['a set', new Set([1]), /^is a Set/],
  ['bytes', new Uint8Array(3), /^is a Uint8Array/],
  ['an error', new Error('x'), /^is a Error/],
  ['a cycle', itself, /^contains itself/],
  ['a getter that throws', Object.defineProperty({}, 'x', { enumerable: true, get: throwing }), /boom/],
  ['a toJSON that throws', { toJSON: throwing }, /^cannot be read: Error: boom$/],
  ['a toJSON that answers a bigint', { toJSON: () => 1n }, /^is a bigint/],
  ['a revoked proxy', revoked(), /^cannot be read: TypeError/],
  ['a nesting that overflows the stack', deep(), /^cannot be read: RangeError/],
];

describe('a value that JSON cannot hold', () => {
  test.each(UNFIT)('is left out alone, with its place: %s', (_what, value, detail) => {
    const { kept, faults } = sift({ before: 1, 'a/b~c': value, after: 'x' });
    expect(kept).toEqual({ before: 1, after: 'x' });
    expect(faults).toEqual([{ pointer: '/a~1b~0c', detail: expect.stringMatching(detail) }]);
  });

  test('costs one entry of a record, and not the record', () => {
    const { kept, faults } = sift({ attributes: { good: 1, bad: 1n } }, ['attributes']);
    expect(kept).toEqual({ attributes: { good: 1 } });
    expect(faults).toMatchObject([{ pointer: '/attributes/bad' }]);
  });

  test('in a place of its own getter is left out', () => {
    const { kept, faults } = sift(
      Object.defineProperty({ good: 1 }, 'bad', { enumerable: true, get: throwing }),
    );
    expect(kept).toEqual({ good: 1 });
    expect(faults).toEqual([{ pointer: '/bad', detail: 'cannot be read: Error: boom' }]);
  });
});

test('everything else has the form that JSON gives it', () => {
  const at = new Date(0);
  const shared = { x: 1 };
  const fields = {
    at,
    never: new Date(Number.NaN),
    nan: Number.NaN,
    endless: -Infinity,
    none: undefined,
    nothing: null,
    list: [1, undefined, shared],
    again: shared,
    half: '\ud800',
    ['__proto__']: 'own',
  };
  const { kept, faults } = sift(fields);
  expect(faults).toEqual([]);
  expect(JSON.stringify(kept)).toBe(JSON.stringify(fields));
});

test('a value that makes a request fail is found', () => {
  expect([{ a: 1n }, itself, { toJSON: throwing }, undefined].map(isSendable)).not.toContain(true);
  expect([{ a: 1 }, null, 'x', []].map(isSendable)).not.toContain(false);
});
