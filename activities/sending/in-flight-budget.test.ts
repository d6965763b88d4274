import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { createInFlightBudget, createLeaseBudget, type InFlightBudget } from './in-flight-budget.ts';

const nobody = () => undefined;
/** How many devices a lease could reserve now. */
function roomOf(budget: InFlightBudget): number {
  const reserved = budget.reserve(512, nobody);
  budget.release(reserved);
  return reserved;
}
/** Devices whose requests were handed to a push service. */
function sendAll(budget: InFlightBudget, count: number) {
  const reservations = Array.from({ length: count }, () => budget.reservation());
  return {
    written: () => {
      for (const reservation of reservations) reservation.release();
    },
    givenBack: () => {
      for (const reservation of reservations) reservation.reclaim();
    },
  };
}

describe('the budget of a process', () => {
  test('limits the unwritten devices of all leases together', () => {
    const budget = createInFlightBudget(200);
    expect(budget.reserve(128, nobody)).toBe(128);
    expect(budget.reserve(72, nobody)).toBe(72);
    expect(budget.reserve(1, nobody)).toBe(0);
    budget.release(140);
    expect(budget.reserve(512, nobody)).toBe(140);
  });

  test('gives a few devices only to a lease that requests no more', () => {
    const budget = createInFlightBudget(200);
    budget.reserve(180, nobody);
    expect(budget.reserve(128, nobody)).toBe(0);
    expect(budget.reserve(10, nobody)).toBe(10);
    expect(budget.reserve(0, nobody)).toBe(0);
  });

  test('calls each waiting lease once when there is enough, in the order of their requests', () => {
    const budget = createInFlightBudget(200);
    const called: string[] = [];
    budget.reserve(200, nobody);
    budget.reserve(128, () => called.push('first'));
    budget.reserve(128, () => called.push('second'));
    budget.release(100);
    expect(called).toEqual([]);
    budget.release(28);
    expect(called).toEqual(['first', 'second']);
    budget.release(72);
    expect(called).toEqual(['first', 'second']);
  });
});

describe('a connection that gives requests back', () => {
  test('makes its devices count again, beyond the limit, until they are settled', () => {
    const budget = createInFlightBudget(200);
    budget.reserve(200, nobody);
    const sent = sendAll(budget, 200);
    sent.written();
    expect(budget.reserve(128, nobody)).toBe(128);
    sent.givenBack();
    budget.release(128);
    expect(budget.reserve(1, nobody)).toBe(0);
    sent.written();
    expect(roomOf(budget)).toBe(160);
  });

  test('counts a device once, however often it is given back or written', () => {
    const budget = createInFlightBudget(200);
    budget.reserve(200, nobody);
    const sent = sendAll(budget, 200);
    sent.written();
    sent.givenBack();
    sent.givenBack();
    sent.written();
    sent.written();
    expect(budget.reserve(512, nobody)).toBe(160);
  });

  test('lowers the limit for ten seconds, because returned devices come on top', () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    onTestFinished(() => void vi.useRealTimers());
    const budget = createInFlightBudget(200);
    budget.reserve(1, nobody);
    const sent = sendAll(budget, 1);
    sent.written();
    sent.givenBack();
    sent.written();
    expect(roomOf(budget)).toBe(160);
    vi.advanceTimersByTime(10_000);
    expect(roomOf(budget)).toBe(200);
  });
});

describe('the part of one lease', () => {
  test('is kept until its claim is committed, which releases unclaimed devices', () => {
    const budget = createInFlightBudget(200);
    const lease = createLeaseBudget(budget, nobody);
    expect(lease.reserve(128)).toBe(128);
    expect(lease.reserve(128)).toBe(128);
    expect(budget.reserve(512, nobody)).toBe(0);
    lease.commit(50);
    expect(roomOf(budget)).toBe(150);
  });

  test('grows when more is requested', () => {
    const budget = createInFlightBudget(400);
    const lease = createLeaseBudget(budget, nobody);
    lease.reserve(128);
    expect(lease.reserve(256)).toBe(256);
    expect(lease.reserve(10)).toBe(10);
    lease.commit(256);
    expect(roomOf(budget)).toBe(144);
  });
});
