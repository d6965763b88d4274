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

declare module 'fastify' {
  interface FastifySchema {
    example?: unknown;
  }
}

/** Documents an example, whether a body is needed, and the header Idempotency-Key. */
export const documentRoute: Transform = (document) => {
  const { example, ...schema } = document.schema ?? {};
  const { isOptionalBody, idempotent } = document.route.config ?? {};
  const transformed = jsonSchemaTransform({ ...document, schema });
  const note: BodyNote = {
    example,
    isOptional: isOptionalBody === true,
    isFile: schema.consumes !== undefined,
  };
  // A route that checks the bytes itself has no schema of its body.
  const body = transformed.schema.body ?? (example === undefined ? undefined : { type: 'object' });
  const noted = { ...transformed, schema: { ...transformed.schema, body, [NOTE]: note } };
  return idempotent === true ? withIdempotencyKey(noted) : noted;
};

type Transformed = ReturnType<Transform>;

/**
 * What the plugin cannot say: an example of a referenced schema, and a body that may be left out. The note is in the
 * operation until the whole document is made.
 */
const NOTE = 'x-body';

interface BodyNote {
  readonly example: unknown;
  readonly isOptional: boolean;
  readonly isFile: boolean;
}

function withIdempotencyKey(transformed: Transformed): Transformed {
  const given = transformed.schema.headers as { properties?: object } | undefined;
  const properties = { ...given?.properties, 'idempotency-key': IDEMPOTENCY_KEY };
  const headers = { type: 'object', properties };
  return { ...transformed, schema: { ...transformed.schema, headers } };
}

/** Leaves out unreferenced schemas, because a schema with an ID appears both as input and as output. */
export const documentAll: TransformObject = (document) => {
  const whole = jsonSchemaTransformObject(document);
  for (const operation of operationsOf(whole)) documentBody(operation);
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

interface Operation {
  [NOTE]?: BodyNote;
  requestBody?: { required?: boolean; content: Record<string, { example?: unknown }> };
}

function operationsOf({ paths }: { paths?: object }): Operation[] {
  return Object.values(paths ?? {}).flatMap((methods: object) => Object.values(methods) as Operation[]);
}

function documentBody(operation: Operation): void {
  const { [NOTE]: note, requestBody } = operation;
  delete operation[NOTE];
  if (note === undefined || requestBody === undefined) return;
  if (note.isOptional) requestBody.required = false;
  // The types of a file share one object until here.
  requestBody.content = mapValues(requestBody.content, (media, type) => {
    const example = note.isFile
      ? (note.example as Record<string, unknown> | undefined)?.[type]
      : note.example;
    return example === undefined ? media : { ...media, example };
  });
}

function mapValues<Value>(values: Record<string, Value>, map: (value: Value, name: string) => Value) {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, map(value, name)]));
}

function referencesIn(part: unknown): string[] {
  const text = JSON.stringify(part) ?? '';
  return [...text.matchAll(/"#\/components\/schemas\/([^"]+)"/g)].map((match) => match[1] ?? '');
}
