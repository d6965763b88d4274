import { isDeepStrictEqual } from 'node:util';

/** Collects what is not as it has to be. */
export class Differences {
  readonly found: string[] = [];

  add(text: string): void {
    this.found.push(text);
  }

  equal(what: string, expected: unknown, actual: unknown): void {
    if (isDeepStrictEqual(expected, actual)) return;
    this.add(`${what}: expected ${JSON.stringify(expected)}, got ${JSON.stringify(actual)}`);
  }
}
