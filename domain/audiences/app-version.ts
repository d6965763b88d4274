import { VERSION } from './audience-rule.ts';

interface Parsed {
  readonly numbers: readonly number[];
  readonly release: readonly string[];
}

/** The build does not count, as in `2.3.1 (451)`. */
function parse(text: string): Parsed | undefined {
  const version = text.replace(/ .*$/s, '');
  if (!VERSION.test(version)) return undefined;
  const [core = '', ...release] = version.replace(/^v/i, '').replace(/\+.*$/, '').split('-');
  return {
    numbers: core.split('.').map(Number),
    release: release.length === 0 ? [] : release.join('-').split('.'),
  };
}

/** Compares by semantic versioning, up to five numbers. A missing number is 0. NaN for an invalid text. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [parse(a), parse(b)];
  if (left === undefined || right === undefined) return Number.NaN;
  for (let place = 0; place < 5; place++) {
    const difference = (left.numbers[place] ?? 0) - (right.numbers[place] ?? 0);
    if (difference !== 0) return difference;
  }
  return compareReleases(left.release, right.release);
}

function compareReleases(a: readonly string[], b: readonly string[]): number {
  if (a.length === 0 || b.length === 0) return b.length - a.length;
  for (const [place, left] of a.entries()) {
    const right = b[place];
    if (right === undefined) return 1;
    const difference = compareIdentifiers(left, right);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

const NUMBER = /^\d+$/;

/** Numbers sort before words. */
function compareIdentifiers(a: string, b: string): number {
  if (NUMBER.test(a) && NUMBER.test(b)) return Number(a) - Number(b);
  if (NUMBER.test(a) !== NUMBER.test(b)) return NUMBER.test(a) ? -1 : 1;
  return a < b ? -1 : a > b ? 1 : 0;
}

export type VersionOp = 'is' | 'lt' | 'lte' | 'gt' | 'gte';

export function versionMeets(version: string, op: VersionOp, value: string): boolean {
  const order = compareVersions(version, value);
  if (op === 'is') return order === 0;
  if (op === 'lt') return order < 0;
  if (op === 'lte') return order <= 0;
  return op === 'gt' ? order > 0 : order >= 0;
}
