import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compareVersions, versionMeets } from './app-version.ts';

test('versions are ordered by semantic versioning', () => {
  const ordered = [
    ...['1.0.0-alpha', '1.0.0-alpha.1', '1.0.0-alpha.beta', '1.0.0-beta', '1.0.0-beta.2', '1.0.0-beta.11'],
    ...['1.0.0-rc.1', '1.0.0', '1.0.0.0.1', '1.0.1', '1.2', '1.10.0', '2', '10.0'],
  ];
  expect(ordered.toReversed().toSorted(compareVersions)).toEqual(ordered);
});

test('a missing number is 0; a build and a leading v do not count', () => {
  expect(compareVersions('2.0', 'v2.0.0+build.7')).toBe(0);
  expect(compareVersions('2.3.1 (451)', '2.3.1')).toBe(0);
});

test('text that is no version meets no comparison', () => {
  for (const op of ['is', 'lt', 'lte', 'gt', 'gte'] as const) {
    expect(['dev', '', '1..2', '1.2.3.4.5.6'].some((version) => versionMeets(version, op, '1.0'))).toBe(
      false,
    );
  }
});

test('the order of versions is total', () => {
  const part = fc.nat(12);
  const version = fc
    .tuple(
      fc.array(part, { minLength: 1, maxLength: 5 }),
      fc.array(fc.oneof(part, fc.constantFrom('a', 'b', 'rc')), { maxLength: 3 }),
    )
    .map(([numbers, release]) => numbers.join('.') + (release.length > 0 ? `-${release.join('.')}` : ''));
  fc.assert(
    fc.property(version, version, version, (a, b, c) => {
      expect(Math.sign(compareVersions(a, b))).toBe(-Math.sign(compareVersions(b, a)) + 0);
      if (compareVersions(a, b) <= 0 && compareVersions(b, c) <= 0)
        expect(compareVersions(a, c)).toBeLessThanOrEqual(0);
    }),
  );
});
