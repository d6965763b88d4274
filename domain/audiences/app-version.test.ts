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

test.each([
  ['2.1.0(345)', '2.1.0'],
  ['2.1.0_345', '2.1.0'],
  ['Version 2.1', '2.1'],
  ['v. 2.1.', '2.1'],
  ['1.2.3.4.5.6', '1.2.3.4.5.6'],
  ['1.0.0.RELEASE', '1.0'],
  ['10.3.2 build 5', '10.3.2'],
  ['２.１', '2.1'],
  ['1.2b3', '1.2-beta.3'],
  ['1.2 Beta 3', '1.2-beta.3'],
  ['1.2.rc1', '1.2-rc.1'],
  ['2026.11.30', '2026.11.30'],
])('the version of a store, %s, is %s', (text, version) => {
  expect(compareVersions(text, version)).toBe(0);
});

test('text that is no version meets no comparison', () => {
  for (const op of ['is', 'lt', 'lte', 'gt', 'gte'] as const) {
    expect(
      ['dev', '', '1..2', 'build', '1.2.3.4.5.6.7.8.9'].some((version) => versionMeets(version, op, '1.0')),
    ).toBe(false);
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
