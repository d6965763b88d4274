import { expect, test } from 'vitest';
import { readAttribute, readFlag, readPlatform, readTime } from './values.ts';

test.each([
  ['2026-11-01T08:00:00+08:00', '2026-11-01T00:00:00.000Z'],
  ['2026-11-01T08:00:00.123456Z', '2026-11-01T08:00:00.123Z'],
  ['2026-11-01 08:00:00 UTC', '2026-11-01T08:00:00.000Z'],
  ['2026-11-01 08:00:00+00', '2026-11-01T08:00:00.000Z'],
  ['2026-11-01 08:00:00 +0530', '2026-11-01T02:30:00.000Z'],
  ['2026-11-01', '2026-11-01T00:00:00.000Z'],
  ['2026/11/1 8:05', '2026-11-01T08:05:00.000Z'],
  ['1793520000', '2026-11-01T08:00:00.000Z'],
  ['1793520000000', '2026-11-01T08:00:00.000Z'],
  ['11/13/2026 10:00', '2026-11-13T10:00:00.000Z'],
  ['13/11/26 10:00 PM', '2026-11-13T22:00:00.000Z'],
  ['1.11.2026 10:00:07', '2026-11-01T10:00:07.000Z'],
  ['5/5/2026', '2026-05-05T00:00:00.000Z'],
  ['29.2.2028', '2028-02-29T00:00:00.000Z'],
])('%s is read', (text, at) => {
  const read = readTime(text);
  expect(typeof read === 'string' ? read : read.toISOString()).toBe(at);
});

test.each([
  '2026-02-30T10:00:00Z',
  '2026-02-29',
  '2026-13-01',
  '2026-11-01T24:00:00Z',
  '2026-11-01T10:60:00Z',
  '2026-11-01T10:00:00+25:00',
  '31.6.2026',
  '13/13/2026',
  '5/5/2026 13:00 PM',
  '0000-01-01',
  '9999-01-01',
  'yesterday',
  '11:00',
])('%s is no moment', (text) => {
  expect(readTime(text)).toBe('invalid_time');
});

test('a date of two orders is ambiguous until the order is given', () => {
  expect(readTime('1/2/2026')).toBe('ambiguous_date');
  expect(readTime('1/2/2026', 'mdy')).toEqual(new Date('2026-01-02T00:00:00Z'));
  expect(readTime('1/2/2026', 'dmy')).toEqual(new Date('2026-02-01T00:00:00Z'));
});

test('flags and platforms are read in any case, and other words are none', () => {
  expect([' TRUE ', 'Wahr', 1, true, 'opted-out'].map(readFlag)).toEqual([true, true, true, true, true]);
  expect(['FALSE', '0.0', 0, false, 'Opted In'].map(readFlag)).toEqual([false, false, false, false, false]);
  expect(['perhaps', '', 2, null, {}].map(readFlag)).toEqual(Array(5).fill(undefined));
  expect(['iOS', 'iPhone OS', ' ANDROID ', 'Web'].map(readPlatform)).toEqual([
    'ios',
    'ios',
    'android',
    'web',
  ]);
  expect(['symbian', '', 1].map(readPlatform)).toEqual([undefined, undefined, undefined]);
});

test('cells of attributes become numbers and flags only when nothing is lost', () => {
  expect(['42', '-1.5', '007', '1610521604143693812', '1e3', 'TRUE', ' x ', ''].map(readAttribute)).toEqual([
    42,
    -1.5,
    '007',
    '1610521604143693812',
    '1e3',
    true,
    'x',
    null,
  ]);
});

test.each([
  ['1 Nov 2026', '2026-11-01T00:00:00Z'],
  ['Nov 1, 2026', '2026-11-01T00:00:00Z'],
  ['November 1, 2026 8:05 PM', '2026-11-01T20:05:00Z'],
  ['Sun, 01 Nov 2026 10:00:00', '2026-11-01T10:00:00Z'],
  ['1-Nov-2026', '2026-11-01T00:00:00Z'],
])('a date with the name of its month is read, %s', (text, at) => {
  expect(readTime(text)).toEqual(new Date(at));
});

test.each(['31 Feb 2026', 'Nov 2026', 'Smarch 13, 2026'])('%s is no date', (text) => {
  expect(readTime(text)).toBe('invalid_time');
});

test.each([
  ['Android 14', 'android'],
  ['iOS 17.1', 'ios'],
  ['Chrome/129.0', 'web'],
])('the version behind a platform does not count, %s', (text, platform) => {
  expect(readPlatform(text)).toBe(platform);
});
