import type { FastifyDynamicSwaggerOptions } from '@fastify/swagger';
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod';

type Transform = NonNullable<FastifyDynamicSwaggerOptions['transform']>;
type TransformObject = NonNullable<FastifyDynamicSwaggerOptions['transformObject']>;

const IDEMPOTENCY_KEY = {
  type: 'string',
  minLength: 8,
  maxLength: 255,
  description: 'The same key with the same request happens once, and is answered alike for a day.',
};

/** Routes that take an Idempotency-Key say so in their configuration, not each in its schema. */
export const documentRoute: Transform = (document) => {
  const transformed = jsonSchemaTransform(document);
  if (document.route.config?.idempotent !== true) return transformed;
  const given = transformed.schema.headers as { properties?: object } | undefined;
  const properties = { ...given?.properties, 'idempotency-key': IDEMPOTENCY_KEY };
  const headers = { type: 'object', properties };
  return { ...transformed, schema: { ...transformed.schema, headers } };
};

/** Schemas with an ID appear as input and as output; those without a reference are left out. */
export const documentAll: TransformObject = (document) => {
  const whole = jsonSchemaTransformObject(document);
  if (!('components' in whole) || whole.components === undefined) return whole;
  const schemas: Record<string, object> = whole.components.schemas ?? {};
  const used = new Set<string>();
  const visit = (part: unknown) => {
    for (const name of referencesIn(part)) {
      if (used.has(name)) continue;
      used.add(name);
      visit(schemas[name]);
    }
  };
  visit(whole.paths);
  const kept = Object.fromEntries(Object.entries(schemas).filter(([name]) => used.has(name)));
  return { ...whole, components: { ...whole.components, schemas: kept } } as typeof whole;
};

function referencesIn(part: unknown): string[] {
  const text = JSON.stringify(part) ?? '';
  return [...text.matchAll(/"#\/components\/schemas\/([^"]+)"/g)].map((match) => match[1] ?? '');
}
