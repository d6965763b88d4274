import fc from 'fast-check';
import { expect, test } from 'vitest';
import { splitCsvLine } from './csv-line.ts';

test.each([
  ['', ['']],
  ['a,b', ['a', 'b']],
  ['a,', ['a', '']],
  ['"a,b",c', ['a,b', 'c']],
  ['"a ""b""",', ['a "b"', '']],
  ['"",""', ['', '']],
  [',"x",', ['', 'x', '']],
  ['"open', undefined],
  ['"a"b,c', undefined],
  ['a"b,c', undefined],
  ['a,b"c"', undefined],
  ['"a""', undefined],
])('%j is %j', (line, fields) => {
  expect(splitCsvLine(line)).toEqual(fields);
});

test('a quoted field is read back unchanged, whatever its text', () => {
  const field = fc.string({ unit: fc.constantFrom('"', ',', 'a', ' ', '漢') });
  fc.assert(
    fc.property(fc.array(field, { minLength: 1 }), (fields) => {
      const line = fields.map((text) => `"${text.replaceAll('"', '""')}"`).join(',');
      expect(splitCsvLine(line)).toEqual(fields);
    }),
  );
});
