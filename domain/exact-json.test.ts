import fc from 'fast-check';
import { expect, test } from 'vitest';
import { InexactNumber, inexactPaths, parseExactJson } from './exact-json.ts';

test.each([
  '1610521604143693812',
  '-1610521604143693812',
  '9007199254740992',
  '9007199254740993.0',
  '1e400',
  '-1E400',
  '1e16',
  '1e-400',
  '1.000000000000000001',
  '0.123456789012345678',
])('%s would change', (number) => {
  expect(parseExactJson(number)).toEqual(new InexactNumber(number));
  expect(inexactPaths(parseExactJson(`{"a":[1,{"b/c": ${number}}],"d":[${number}]}`))).toEqual([
    ['a', '1', 'b/c'],
    ['d', '0'],
  ]);
});

test.each([
  '9007199254740991',
  '-9007199254740991',
  '0.1',
  '52.520006599999998',
  '1e3',
  '0e5',
  '-0.0',
  '100000.00000000000000000',
])('%s is kept', (number) => {
  expect(parseExactJson(number)).toBe(Number(number));
});

test('digits within texts are no numbers', () => {
  const value = { id: '1610521604143693812', text: 'a: 1610521604143693812, 1e400', list: [1, null, true] };
  expect(parseExactJson(JSON.stringify(value))).toEqual(value);
});

test('all other JSON is read as JSON.parse reads it', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = JSON.stringify(value);
      const read = parseExactJson(text);
      if (inexactPaths(read).length === 0) expect(read).toEqual(JSON.parse(text));
    }),
  );
});
