import { expect, test } from 'vitest';
import { type ArrivalFigures, receiptWarnings } from './receipt-warnings.ts';

const NOW = new Date('2026-11-22T10:00:00Z');
const ago = (ms: number) => new Date(NOW.getTime() - ms);
const arrival = (more: Partial<ArrivalFigures>): ArrivalFigures => ({
  source: 'sdk',
  platform: 'android',
  result: 'counted',
  lastAt: NOW,
  last24h: 1_000,
  ...more,
});
const codes = (arrivals: ArrivalFigures[], more: object = {}) =>
  receiptWarnings({ hasSdkKey: true, arrivals, inbox: { oldestAt: null }, ...more }, NOW).map(
    ({ code }) => code,
  );

test('an app whose receipts arrive has no warning', () => {
  expect(codes([arrival({}), arrival({ result: 'unknown', last24h: 10 })])).toEqual([]);
});

test.each([
  ['no key', codes([arrival({})], { hasSdkKey: false }), ['no_sdk_key']],
  ['no receipt ever', codes([]), ['never_arrived']],
  ['a week of silence', codes([arrival({ lastAt: ago(8 * 86_400_000), last24h: 0 })]), ['silent']],
  [
    'many malformed receipts',
    codes([arrival({}), arrival({ result: 'error', last24h: 100 })]),
    ['many_unreadable'],
  ],
  [
    'many unknown message IDs',
    codes([arrival({}), arrival({ result: 'unknown', last24h: 100 })]),
    ['many_unknown'],
  ],
  ['an inbox that is not read', codes([arrival({})], { inbox: { oldestAt: ago(120_000) } }), ['inbox_waits']],
])('a warning for %s', (_, found, expected) => {
  expect(found).toEqual(expected);
});
