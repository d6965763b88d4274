import { expect, test } from 'vitest';
import { endOf, type LeaseProgress } from './lease-end.ts';
import type { LeaseEnd } from './lease-work.ts';
import { createRefusals } from './refusals.ts';

const BUSY: LeaseProgress = {
  isProbing: false,
  outstanding: 10,
  waiting: 0,
  sinceStartMs: 5_001,
};

interface Surroundings {
  readonly halt?: string;
  readonly isAborted?: boolean;
  readonly areTooMany?: boolean;
  readonly isLimited?: boolean;
  readonly isCrowded?: boolean;
}

function end(around: Surroundings, progress: Partial<LeaseProgress> = {}): LeaseEnd | undefined {
  const { halt, isAborted = false, areTooMany = false, isLimited = false, isCrowded = true } = around;
  const stop = new AbortController();
  if (isAborted) stop.abort();
  const rejections = { areTooMany, areUnknown: false, areCredible: () => true, record: () => undefined };
  const refusals = {
    ...createRefusals()({ pushNo: 1, epoch: 1, isTrusted: false }),
    halt,
  };
  const pacer = { isLimited, nextAt: 0, claimable: async (count: number) => count, spend: () => undefined };
  const work = { signal: stop.signal, refusals, rejections, pacer, isCrowded: () => isCrowded };
  return endOf(work, { ...BUSY, ...progress });
}

const YIELDED = { kind: 'yielded' };

test.each<[string, Surroundings, Partial<LeaseProgress>, unknown]>([
  ['a busy lease goes on, also on a crowded process', {}, {}, undefined],
  ['a lease that is told to stop is stopped', { isAborted: true }, {}, { kind: 'stopped' }],
  ['a stop counts before a refusal', { isAborted: true, halt: 'r' }, {}, { kind: 'stopped' }],
  ['a refusal ends the lease with its reason', { halt: 'r' }, {}, { kind: 'refused', reason: 'r' }],
  ['a lease at a low rate yields', { isLimited: true }, {}, YIELDED],
  ['a lease whose service takes nothing yields', {}, { isProbing: true }, YIELDED],
  ['a lease with nothing but retries yields', {}, { outstanding: 0, waiting: 3 }, YIELDED],
  ['a lease yields to nobody where there is room', { isLimited: true, isCrowded: false }, {}, undefined],
  ['a lease does not yield in its first 5 s', { isLimited: true }, { sinceStartMs: 5_000 }, undefined],
])('%s', (_, around, progress, expected) => {
  expect(end(around, progress)).toEqual(expected);
});

test('a lease ends when too many of its tokens are rejected', () => {
  expect(end({ areTooMany: true })).toMatchObject({ kind: 'refused' });
});
