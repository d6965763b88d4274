interface Parsed {
  readonly numbers: readonly number[];
  readonly release: readonly string[];
}

/** The name before the numbers, the numbers, and what follows them. */
const PARTS = /^(?:version|ver|release|v|r)?[.\s]*(\d{1,15}(?:\.\d{1,15}){0,7})(?!\.?\d|\.\.)(.*)$/is;
/** Words for a version before the final one, as in `2.1b3`, `2.1 Beta 3` and `2.1.rc1`. */
const BEFORE_FINAL =
  /^[.\s_-]*(alpha|beta|preview|snapshot|canary|nightly|dev|pre|rc|a|b)(?![a-z])[.\s_-]*(\d*)/i;
const SHORT: Readonly<Record<string, string>> = { a: 'alpha', b: 'beta' };
/** A release of semantic versioning, as in `2.1.0-rc.1`. */
const RELEASE = /^-([0-9a-z-]+(?:\.[0-9a-z-]+)*)/i;

/** What app stores show: up to eight numbers. A build does not count, as in `2.3.1 (451)` and `2.3.1_451`. */
function parse(text: string): Parsed | undefined {
  const [, core, rest = ''] = PARTS.exec(text.normalize('NFKC').trim().replace(/\.$/, '')) ?? [];
  if (core === undefined) return undefined;
  return { numbers: core.split('.').map(Number), release: releaseOf(rest) };
}

function releaseOf(rest: string): readonly string[] {
  const [, release] = RELEASE.exec(rest) ?? [];
  if (release !== undefined) return release.split('.');
  const [, word = '', number = ''] = BEFORE_FINAL.exec(rest) ?? [];
  const name = word.toLowerCase();
  return [SHORT[name] ?? name, number].filter((part) => part !== '');
}

/** Compares by semantic versioning, up to eight numbers. A missing number is 0. NaN for text without a number. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [parse(a), parse(b)];
  if (left === undefined || right === undefined) return Number.NaN;
  for (let place = 0; place < 8; place++) {
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
