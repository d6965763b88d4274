import fc from 'fast-check';
import { expect, test } from 'vitest';
import { splitCsvLine } from '../upload/csv-line.ts';
import { csvCell, plainCell } from './csv-cell.ts';

test.each(['=1+1', '+49', '-2', '@sum', '\tx', "'=1", '"=1"'])('%j does not begin as a formula', (text) => {
  const [cell = ''] = splitCsvLine(csvCell(text)) ?? [];
  expect(cell).not.toMatch(/^[=+\-@\t\r]/);
});

test('exported text is imported unchanged', () => {
  const text = fc.oneof(fc.string(), fc.stringMatching(/^'{0,3}[=+\-@][a-z",]*$/));
  fc.assert(
    fc.property(fc.array(text, { minLength: 1 }), (cells) => {
      const line = cells.map(csvCell).join(',');
      fc.pre(!cells.some((cell) => /[\r\n]/.test(cell)));
      expect(splitCsvLine(line)?.map(plainCell)).toEqual(cells);
    }),
  );
});
