import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { openApiText } from './openapi-text.ts';
import { TAGS } from './reference/tags.ts';

const text = await openApiText();
interface Operation {
  readonly operationId?: string;
  readonly summary?: string;
  readonly tags?: readonly string[];
  readonly responses?: object;
  readonly security?: readonly unknown[];
  readonly requestBody?: { required?: boolean; content: Record<string, { example?: unknown }> };
}

const document: { tags: { name: string }[]; paths: Record<string, Record<string, Operation>> } =
  JSON.parse(text);
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

test('every operation has a summary of its own, that begins with a verb, and one tag', () => {
  const summaries = operations.map(({ summary }) => summary);
  expect(new Set(summaries).size).toBe(summaries.length);
  for (const { name, summary = '', tags } of operations) {
    expect(summary, name).toMatch(/^[A-Z][a-z]+\b.{3,60}[^.]$/);
    expect(tags, name).toHaveLength(1);
    expect(Object.keys(TAGS), name).toContain(tags?.[0]);
  }
  expect(document.tags.map(({ name }) => name)).toEqual(Object.keys(TAGS));
  expect(new Set(operations.flatMap(({ tags }) => tags))).toEqual(new Set(Object.keys(TAGS)));
});

test('every body has an example for each of its types', () => {
  const bodies = operations.flatMap(({ name, requestBody }) =>
    Object.entries(requestBody?.content ?? {}).map(([type, media]) => ({
      name: `${name} ${type}`,
      ...media,
    })),
  );
  expect(bodies.length).toBeGreaterThan(40);
  expect(bodies.filter(({ example }) => example === undefined).map(({ name }) => name)).toEqual([]);
  expect(text).not.toContain('x-body');
});

test('a body whose fields are all optional is documented as optional', () => {
  const optional = operations.filter(({ requestBody }) => requestBody?.required === false);
  expect(optional.map(({ operationId }) => operationId)).toEqual(
    expect.arrayContaining(['testTask', 'copyTask', 'rotateWebhookSecret']),
  );
  expect(operations.find(({ operationId }) => operationId === 'createTask')?.requestBody?.required).toBe(
    true,
  );
});
