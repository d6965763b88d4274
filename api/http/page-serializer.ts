import fastJson from 'fast-json-stringify';
import type { FastifySerializerCompiler } from 'fastify/types/schema.js';
import { serializerCompiler } from 'fastify-type-provider-zod';
import { z } from 'zod';

/**
 * A serialiser for routes whose answers have many rows, compiled from the schema. Only fields of the schema are
 * written, and dates become ISO text. The types of the code are trusted, where the default compiler checks each
 * value.
 */
export const pageSerializer: FastifySerializerCompiler<unknown> = ({ schema, ...route }) => {
  if (!(schema instanceof z.ZodType))
    throw new TypeError('pageSerializer needs a zod schema for each response of the route');
  if (route.httpStatus !== '200') return serializerCompiler({ ...route, schema });
  const described = z.toJSONSchema(schema, { target: 'openapi-3.0', io: 'input' });
  return fastJson(described as Parameters<typeof fastJson>[0]);
};
