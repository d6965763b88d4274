import { expect, test } from 'vitest';
import { csvLine } from './csv-export.ts';

test('numbers stay numbers, null is an empty cell, and text is never a formula', () => {
  const cells = [-1, 0.5, null, true, new Date(0), '-1'];
  expect(csvLine(cells)).toBe("-1,0.5,,true,1970-01-01T00:00:00.000Z,'-1\r\n");
});
