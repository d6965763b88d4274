import fastJson from 'fast-json-stringify';
import type { FastifySerializerCompiler } from 'fastify/types/schema.js';
import { serializerCompiler } from 'fastify-type-provider-zod';
import { z } from 'zod';

/**
 * For a route whose answer has many rows: their schema compiled into a serialiser. It writes what the schema names and
 * dates as ISO text, but trusts the code's types where the other compiler checks each value.
 */
export const pageSerializer: FastifySerializerCompiler<unknown> = ({ schema, ...route }) => {
  if (!(schema instanceof z.ZodType)) throw new TypeError('A page is described by a zod schema');
  if (route.httpStatus !== '200') return serializerCompiler({ ...route, schema });
  const described = z.toJSONSchema(schema, { target: 'openapi-3.0', io: 'input' });
  return fastJson(described as Parameters<typeof fastJson>[0]);
};
