import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cutText, graphemes, utf8Bytes } from './graphemes.ts';

const FAMILY = '👨‍👩‍👧‍👦';

test.each([
  ['short', 10, 'short'],
  [`ab${FAMILY}`, 5, 'ab'],
  [`ab${FAMILY}c`, 13, `ab${FAMILY}`],
  ['e\u0301e\u0301', 3, 'e\u0301'],
  ['🇩🇪🇫🇷', 6, '🇩🇪'],
  ['นี้ดี', 2, ''],
])('%s in %i units is %s', (text, max, expected) => {
  expect(cutText(text, max)).toBe(expected);
});

test('text is measured in bytes or in characters as people count them', () => {
  expect(cutText('äöü', 5, utf8Bytes)).toBe('äö');
  expect(cutText(`${FAMILY}🇩🇪x`, 2, graphemes)).toBe(`${FAMILY}🇩🇪`);
});

test('the cut text is a beginning of the text, fits, and splits no character', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.nat(20), (text, max) => {
      const cut = cutText(text, max);
      expect(text.startsWith(cut)).toBe(true);
      expect(cut.length).toBeLessThanOrEqual(max);
      expect(graphemes(cut) + graphemes(text.slice(cut.length))).toBe(graphemes(text));
    }),
  );
});
