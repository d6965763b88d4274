import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { SEARCH_ATTRIBUTES } from './search-attributes.ts';

test('the script for a new namespace creates exactly the search attributes of the product', () => {
  const script = readFileSync(new URL('../../deploy/temporal-namespace.sh', import.meta.url), 'utf8');
  const pairs = /^ATTRIBUTES='(.*)'$/m.exec(script)?.[1]?.split(' ');
  expect(pairs).toEqual(Object.entries(SEARCH_ATTRIBUTES).map((pair) => pair.join('=')));
});
