import fc from 'fast-check';
import { expect, test } from 'vitest';
import { variantName } from '../content/content-variant.ts';
import { PLATFORMS, type Platform } from '../platform.ts';
import { type DeliveryStatus, sendResult } from './delivery.ts';
import { type Counter, reconcile, reconcileVariants, statisticsOf } from './metrics.ts';

interface Device {
  readonly platform: Platform;
  readonly locale: string | undefined;
  readonly status: DeliveryStatus;
  readonly receipted: boolean;
}

const devices = fc.array(
  fc.record<Device>({
    platform: fc.constantFrom(...PLATFORMS),
    locale: fc.constantFrom(undefined, 'de', 'fr'),
    status: fc.constantFrom(
      'pending',
      'retry',
      'accepted',
      'rejected',
      'ambiguous',
      'unreachable',
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
    variant: variantName(device.platform, device.locale),
    value: 1,
  });
  const counters = [count('planned')];
  if (device.status === 'unreachable') return [...counters, count('unreachable', 'no_token')];
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

test('the sums of a push add up in total, per platform and per variant', () => {
  fc.assert(
    fc.property(devices, (all) => {
      const statistics = statisticsOf(all.flatMap(countersOf), pendingOf(all), new Set());
      expect(reconcile(statistics)).toEqual([]);
      expect(statistics.planned).toBe(all.length);
      for (const figures of Object.values(statistics.platforms)) expect(reconcile(figures)).toEqual([]);
      for (const figures of Object.values(statistics.variants)) expect(reconcile(figures)).toEqual([]);
      expect(reconcileVariants(statistics)).toEqual([]);
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
        new Set(),
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

test('a missing counter is found', () => {
  const counters = countersOf({ platform: 'ios', locale: undefined, status: 'accepted', receipted: false });
  expect(reconcile(statisticsOf(counters.slice(0, -1), [], new Set()))).toEqual([
    'matched = suppressed + pending + sent + not sent: 1 is not 0',
  ]);
});

test('variants with more pending deliveries than the leases are found', () => {
  const counters = countersOf({ platform: 'ios', locale: 'de', status: 'pending', receipted: false });
  expect(reconcileVariants(statisticsOf(counters, [{ platform: 'ios', value: 1 }], new Set()))).toEqual([]);
  expect(reconcileVariants(statisticsOf(counters, [], new Set()))).toEqual([
    'pending of all variants: 1 is not 0',
  ]);
});

const counted = (platform: Platform, metric: Counter['metric'], value = 1): Counter => ({
  platform,
  metric,
  value,
  variant: null,
  reason: '',
});

test('figures that no device reports are null, not 0', () => {
  const counters = [counted('ios', 'matched'), counted('ios', 'success')];
  const unknown = {
    impressions: null,
    impressionRate: null,
    opens: null,
    taps: null,
    openRate: null,
    rateBase: 0,
  };
  expect(statisticsOf(counters, [], new Set())).toMatchObject({ ...unknown, blocked: null, dismissals: 0 });
  const reported = { impressions: 0, impressionRate: 0, opens: 0, taps: 0, openRate: 0, rateBase: 1 };
  expect(statisticsOf(counters, [], new Set(['ios']))).toMatchObject({
    ...reported,
    blocked: 0,
    dismissals: 0,
  });
});

test('a platform with reports of this push counts as reporting', () => {
  const counters = [
    counted('android', 'matched', 4),
    counted('android', 'success', 2),
    counted('android', 'open'),
  ];
  const figures = statisticsOf(counters, [], new Set());
  expect(figures).toMatchObject({ opens: 1, openRate: 0.5, impressions: 0, dismissals: 0, rateBase: 2 });
});

test('rates cover only reporting platforms, because the others would dilute them', () => {
  const counters = [
    ...[counted('ios', 'matched', 100), counted('ios', 'success', 100)],
    ...[counted('android', 'matched', 10), counted('android', 'success', 10), counted('android', 'open', 5)],
  ];
  const { platforms, channels, ...all } = statisticsOf(counters, [], new Set(['android']));
  expect(all).toMatchObject({ deliveries: 110, opens: 5, rateBase: 10, openRate: 0.5 });
  expect(platforms.ios).toMatchObject({ opens: null, openRate: null, deliveries: 100 });
  expect(channels).toEqual({ apns: platforms.ios, fcm: platforms.android });
});

test('dismissals are 0 on iOS, and null when no device of the other platforms reports', () => {
  const ios = [counted('ios', 'matched'), counted('ios', 'success')];
  const android = [counted('android', 'matched'), counted('android', 'success')];
  expect(statisticsOf(ios, [], new Set()).dismissals).toBe(0);
  expect(statisticsOf([...ios, ...android], [], new Set(['ios'])).dismissals).toBeNull();
});
