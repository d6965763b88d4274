import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type DeliveryStatus, sendResult } from './delivery.ts';
import { type Counter, reconcile, statisticsOf } from './metrics.ts';
import { PLATFORMS, type Platform } from './platform.ts';

interface Device {
  readonly platform: Platform;
  readonly status: DeliveryStatus;
  readonly receipted: boolean;
}

const devices = fc.array(
  fc.record<Device>({
    platform: fc.constantFrom(...PLATFORMS),
    status: fc.constantFrom(
      'pending',
      'retry',
      'accepted',
      'rejected',
      'ambiguous',
      'lost',
      'suppressed',
      'not_sent',
    ),
    receipted: fc.boolean(),
  }),
);

function countersOf(device: Device): Counter[] {
  const count = (metric: Counter['metric'], reason = '') => ({
    metric,
    reason,
    platform: device.platform,
    value: 1,
  });
  const counters = [count('planned')];
  if (device.status === 'lost') return [...counters, count('lost', 'no_token')];
  counters.push(count('matched'));
  if (device.status === 'suppressed') counters.push(count('suppressed', 'frequency_cap'));
  if (device.status === 'not_sent') counters.push(count('not_sent', 'cancelled'));
  const result = sendResult(device.status, device.platform, device.receipted);
  if (result !== undefined) counters.push(count(result, result === 'failure' ? 'BadDeviceToken' : ''));
  return counters;
}

function pendingOf(all: readonly Device[]) {
  return all
    .filter(({ status }) => status === 'pending' || status === 'retry')
    .map(({ platform }) => ({ platform, value: 1 }));
}

test('whatever became of its devices, the sums of a push add up, in all and for each platform', () => {
  fc.assert(
    fc.property(devices, (all) => {
      const statistics = statisticsOf(all.flatMap(countersOf), pendingOf(all));
      expect(reconcile(statistics)).toEqual([]);
      expect(statistics.planned).toBe(all.length);
      for (const figures of Object.values(statistics.platforms)) expect(reconcile(figures)).toEqual([]);
      expect(statistics.platforms.ios?.noFeedback ?? null).toBeNull();
    }),
  );
});

test('every drop has a reason', () => {
  fc.assert(
    fc.property(devices, (all) => {
      const { lossReasons, suppressedReasons, notSentReasons, failureReasons, ...figures } = statisticsOf(
        all.flatMap(countersOf),
        pendingOf(all),
      );
      const total = (reasons: Record<string, number>) =>
        Object.values(reasons).reduce((sum, n) => sum + n, 0);
      expect(total(lossReasons)).toBe(figures.losses);
      expect(total(suppressedReasons)).toBe(figures.suppressed);
      expect(total(notSentReasons)).toBe(figures.notSent);
      expect(total(failureReasons)).toBe(figures.failures);
    }),
  );
});

test('a counter that is missing is found', () => {
  const counters = countersOf({ platform: 'ios', status: 'accepted', receipted: false });
  expect(reconcile(statisticsOf(counters.slice(0, -1), []))).toEqual([
    'matched = suppressed + pending + sent + not sent: 1 is not 0',
  ]);
});
