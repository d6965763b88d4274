import type { FastifyDynamicSwaggerOptions } from '@fastify/swagger';
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod';

type Transform = NonNullable<FastifyDynamicSwaggerOptions['transform']>;
type TransformObject = NonNullable<FastifyDynamicSwaggerOptions['transformObject']>;

const IDEMPOTENCY_KEY = {
  type: 'string',
  minLength: 8,
  maxLength: 255,
  description:
    'A request that is repeated with the same key takes effect once. For a day it gets the first answer again.',
};

/** Documents the header Idempotency-Key of the routes that are configured as idempotent. */
export const documentRoute: Transform = (document) => {
  const transformed = jsonSchemaTransform(document);
  if (document.route.config?.idempotent !== true) return transformed;
  const given = transformed.schema.headers as { properties?: object } | undefined;
  const properties = { ...given?.properties, 'idempotency-key': IDEMPOTENCY_KEY };
  const headers = { type: 'object', properties };
  return { ...transformed, schema: { ...transformed.schema, headers } };
};

/** Leaves out unreferenced schemas, because a schema with an ID appears both as input and as output. */
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
