import { expect, test } from 'vitest';
import { EXTERNAL_ID } from './devices/device.ts';
import { readIdentifier } from './devices/identifier.ts';
import { labelFault, namePattern, tidied } from './visible-text.ts';

const UNSEEN = [
  0x00ad, 0x034f, 0x061c, 0x115f, 0x17b4, 0x180e, 0x200b, 0x200c, 0x200d, 0x200e, 0x200f, 0x202a, 0x202e,
  0x2060, 0x2064, 0x2066, 0x2069, 0x206f, 0x2800, 0x3164, 0xfe0f, 0xfeff, 0xffa0, 0xfff9, 0xe0001, 0xe0020,
  0xe0100,
].map((code) => [code.toString(16), String.fromCodePoint(code)] as const);

test.each(UNSEEN)('U+%s is refused at every place of an ID', (_, unseen) => {
  for (const id of [`${unseen}d-1`, `d${unseen}-1`, `d-1${unseen}`]) {
    expect(EXTERNAL_ID.test(id), JSON.stringify(id)).toBe(false);
  }
  // A byte order mark at an end is trimmed as space is.
  expect(readIdentifier('custom_id', `d${unseen}-1`)).toBe('not_an_id');
});

test.each([
  'd-1',
  'Müller@example.com',
  '张三',
  'משה',
  'مريم',
  'क्षि',
  '😀',
  'a'.repeat(200),
])('%s is an ID', (id) => {
  expect(EXTERNAL_ID.test(id)).toBe(true);
});

const NAME = namePattern(100);

test.each([
  'a',
  'order paid',
  '用户 下单',
  'می‌خرد',
  '❤️',
  '👩‍💻 joined',
  '🏴󠁧󠁢󠁥󠁮󠁧󠁿',
  'x'.repeat(100),
])('%s is a name', (name) => {
  expect(NAME.test(name)).toBe(true);
});

test.each([
  ['a mark that turns text', 'a\u202eb'],
  ['a zero-width space', 'a\u200bb'],
  ['a mark', '\u200epaid'],
  ['a joiner at the end', 'paid\u200d'],
  ['a space at an end', 'paid '],
  ['nothing', ''],
  ['an isolate', '\u2066paid\u2069'],
  ['101 characters', 'x'.repeat(101)],
])('a name with %s is refused', (_, name) => {
  expect(NAME.test(name)).toBe(false);
});

test('text is tidied without harm to emoji and scripts that need joiners', () => {
  expect(tidied('\ufeff  \u200bSpring\u00ad sale\u200e ')).toBe('Spring sale');
  expect(tidied('👩‍💻 می‌خرد ❤️')).toBe('👩‍💻 می‌خرد ❤️');
  expect(tidied('\u200b')).toBe('');
});

test.each([
  ['\u202eevil', 'turn the direction'],
  ['a\u2067b', 'turn the direction'],
  ['a\nb', 'control characters'],
  ['a\u2028b', 'control characters'],
  ['\u2800\u3164', 'people can see'],
  ['', 'people can see'],
])('%j is no label', (text, fault) => {
  expect(labelFault(text)).toContain(fault);
});

test.each(['א', 'שלום\u200f!', '👩‍💻', 'a b', '0'])('%s is a label', (text) => {
  expect(labelFault(text)).toBeUndefined();
});
