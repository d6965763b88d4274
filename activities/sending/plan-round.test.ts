import { describe, expect, test } from 'vitest';
import {
  type Allowance,
  isWorthSettling,
  planRound,
  type RoundPlan,
  type RoundState,
  requestedDevices,
} from './plan-round.ts';

/** A lease of 5,000 devices that was just renewed and settled, and has sent nothing. */
const IDLE: RoundState = {
  isEnding: false,
  isUnsure: false,
  isProbing: false,
  areTokensUnknown: false,
  outstanding: 0,
  unclaimed: 5_000,
  waiting: 0,
  due: 0,
  results: 0,
  sinceSettledMs: 0,
  sinceRenewedMs: 0,
};

describe('a lease requests', () => {
  test.each<[string, Partial<RoundState>, number]>([
    ['its whole window when nothing is outstanding', {}, 512],
    ['what its window has left', { outstanding: 500 }, 12],
    ['nothing while its window is full', { outstanding: 512 }, 0],
    ['nothing while its window shrinks', { outstanding: 300, isProbing: true }, 0],
    ['all that is left of it', { unclaimed: 7 }, 7],
    ['retries together with new devices', { unclaimed: 7, waiting: 3 }, 10],
    ['a small window until the tokens are known', { areTokensUnknown: true }, 128],
    ['a few devices while a push service takes nothing', { isProbing: true, areTokensUnknown: true }, 4],
    ['nothing when it ends', { isEnding: true, waiting: 3 }, 0],
  ])('%s', (_, change, requested) => {
    expect(requestedDevices({ ...IDLE, ...change })).toBe(requested);
  });
});

type Row = [string, Partial<RoundState>, Partial<Allowance>, RoundPlan];

/** The budget and the rates allow what the lease requests, unless a row says otherwise. */
function planned(change: Partial<RoundState>, limits: Partial<Allowance>): RoundPlan {
  const state = { ...IDLE, ...change };
  const reserved = limits.reserved ?? requestedDevices(state);
  return planRound(state, { reserved, granted: limits.granted ?? Number.POSITIVE_INFINITY });
}

describe('a claim', () => {
  test.each<Row>([
    ['fills the window', {}, {}, { claim: 512, retries: 0, settle: 'now' }],
    ['takes what the budget has', {}, { reserved: 200 }, { claim: 200, retries: 0, settle: 'now' }],
    ['takes what the rates grant', {}, { granted: 9 }, { claim: 9, retries: 0, settle: 'now' }],
    ['is not made for a few of many', { outstanding: 400 }, {}, { claim: 0, retries: 0, settle: 'no' }],
    ['is made for the last few', { unclaimed: 12 }, {}, { claim: 12, retries: 0, settle: 'now' }],
    ['is not made when the rates grant nothing', {}, { granted: 0 }, { claim: 0, retries: 0, settle: 'no' }],
    ['is not made by a lease that ends', { isEnding: true }, {}, { claim: 0, retries: 0, settle: 'no' }],
  ])('%s', (_, change, limits, plan) => {
    expect(planned(change, limits)).toEqual(plan);
  });
});

describe('retries', () => {
  const waiting = { waiting: 100, due: 40 };
  test.each<Row>([
    ['go with a claim', waiting, {}, { claim: 412, retries: 40, settle: 'now' }],
    ['go before new devices', waiting, { granted: 50 }, { claim: 10, retries: 40, settle: 'now' }],
    ['are limited by the rates', waiting, { granted: 30 }, { claim: 0, retries: 30, settle: 'now' }],
    ['are limited by the budget', waiting, { reserved: 4 }, { claim: 0, retries: 4, settle: 'now' }],
    [
      'keep room free although they are not due: an outage does not claim the rest',
      { waiting: 500, due: 0 },
      {},
      { claim: 0, retries: 0, settle: 'no' },
    ],
    [
      'are not sent by a lease that ends',
      { ...waiting, isEnding: true },
      {},
      {
        claim: 0,
        retries: 0,
        settle: 'no',
      },
    ],
  ])('%s', (_, change, limits, plan) => {
    expect(planned(change, limits)).toEqual(plan);
  });
});

describe('results are settled', () => {
  const full = { outstanding: 512 };
  const settled = (change: Partial<RoundState>) => planned({ ...full, ...change }, {}).settle;
  test.each<[string, Partial<RoundState>, RoundPlan['settle']]>([
    ['not while they are few and new', { results: 199, sinceSettledMs: 200 }, 'no'],
    ['when they are a batch', { results: 200 }, 'now'],
    ['when they are old', { results: 1, sinceSettledMs: 201 }, 'now'],
    ['when they are the last', { results: 1, outstanding: 0, unclaimed: 0 }, 'now'],
    ['with a claim while they are few', { results: 199, outstanding: 300 }, 'now'],
    ['after a claim when they are a batch', { results: 200, outstanding: 300 }, 'after'],
    ['with retries when they are a batch', { results: 200, outstanding: 472, waiting: 40, due: 40 }, 'now'],
    ['all of them when the lease ends', { results: 1, isEnding: true }, 'now'],
  ])('%s', (_, change, settle) => {
    expect(settled(change)).toBe(settle);
  });

  test.each<[string, Partial<RoundState>, RoundPlan['settle']]>([
    ['not before its time', { sinceRenewedMs: 300 }, 'no'],
    ['when the last statement is old', { sinceRenewedMs: 301 }, 'now'],
    ['not when it ends', { sinceRenewedMs: 301, isEnding: true }, 'no'],
    ['when it ends and a statement had no answer', { isUnsure: true, isEnding: true }, 'now'],
    ['not because a statement had no answer while it goes on', { isUnsure: true }, 'no'],
  ])('without results, the statement that renews the lease is made %s', (_, change, settle) => {
    expect(settled(change)).toBe(settle);
  });
});

test('the allowance is never exceeded, and a lease never sends more than it has', () => {
  for (const reserved of [0, 4, 60, 128, 512]) {
    for (const granted of [0, 1, 128, Number.POSITIVE_INFINITY]) {
      for (const waiting of [0, 3, 300]) {
        for (const unclaimed of [0, 5, 5_000]) {
          const state = { ...IDLE, waiting, unclaimed, due: Math.ceil(waiting / 2) };
          const { claim, retries } = planRound(state, { reserved, granted });
          expect(Math.min(claim, retries)).toBeGreaterThanOrEqual(0);
          expect(claim + retries).toBeLessThanOrEqual(Math.min(reserved, granted));
          expect(claim).toBeLessThanOrEqual(unclaimed);
          expect(retries).toBeLessThanOrEqual(state.due);
        }
      }
    }
  }
});

test('an empty batch is never worth a statement', () => {
  expect(isWorthSettling({ ...IDLE, outstanding: 0, unclaimed: 0, sinceSettledMs: 10_000 })).toBe(false);
});
