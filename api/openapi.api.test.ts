import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { openApiText } from './openapi-text.ts';

const text = await openApiText();
const document: {
  paths: Record<string, Record<string, { operationId?: string; responses?: object; security?: unknown[] }>>;
} = JSON.parse(text);
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ name: `${method} ${path}`, path, ...operation })),
);

test('openapi.json matches the routes (npm run openapi)', () => {
  expect(readFileSync(new URL('../openapi.json', import.meta.url), 'utf8')).toBe(text);
});

test('every operation has a name of its own', () => {
  const ids = operations.map((operation) => operation.operationId);
  expect(ids.every((id) => id !== undefined)).toBe(true);
  expect(new Set(ids).size).toBe(ids.length);
});

test('every operation except health documents its key and its problems', () => {
  for (const operation of operations.filter(({ path }) => !path.startsWith('/health'))) {
    expect(operation.security ?? [], operation.name).not.toHaveLength(0);
    expect(Object.keys(operation.responses ?? {}), operation.name).toEqual(
      expect.arrayContaining(['400', '401', '403', '429', '500', '503']),
    );
  }
});
