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

test('what is quoted comes back as it was, whatever it is', () => {
  const field = fc.string({ unit: fc.constantFrom('"', ',', 'a', ' ', '漢') });
  fc.assert(
    fc.property(fc.array(field, { minLength: 1 }), (fields) => {
      const line = fields.map((text) => `"${text.replaceAll('"', '""')}"`).join(',');
      expect(splitCsvLine(line)).toEqual(fields);
    }),
  );
});
