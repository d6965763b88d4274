import type { IncomingMessage, ServerResponse } from 'node:http';
import type {
  ContextConfigDefault,
  FastifyBaseLogger,
  FastifyInstance,
  FastifyRequest,
  RawServerDefault,
  RouteGenericInterface,
  RouteHandlerMethod,
} from 'fastify';
import type { FastifySerializerCompiler } from 'fastify/types/schema.js';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { z } from 'zod';
import type { App } from '../http/deps.ts';
import { type ProblemStatus, problemResponses } from '../http/problem.ts';
import type { Tag } from '../reference/tags.ts';
import type { AuditAction } from './audit-actions.ts';
import type { Guard, Guards } from './auth.ts';
import { assumeEmptyBody, ignoreTypeOfNothing, needsNoBody, takesFiles } from './optional-body.ts';
import { PERMISSIONS, type Permission, rolesOf } from './permissions.ts';

/** The callers of a route: persons with a permission, SDK keys, the administrator, vendors, or everyone. */
type Access = Permission | { readonly sdkOr: Permission } | 'sdk' | 'admin' | 'vendor' | 'public';

interface RouteSchema {
  readonly operationId: string;
  /** A few words that begin with a verb, for the list of operations. */
  readonly summary: string;
  readonly description?: string;
  readonly tags: readonly Tag[];
  /** A body that works, which a test sends. Of a route that takes files: one file per content type. */
  readonly example?: unknown;
  readonly consumes?: readonly string[];
  readonly params?: z.ZodType;
  readonly querystring?: z.ZodType;
  readonly headers?: z.ZodType;
  readonly body?: z.ZodType;
  /** Answers of success only. Failures are listed in `problems`. */
  readonly response: Readonly<Record<number, z.ZodType | { readonly content: object }>>;
}

interface RouteOptions<Schema extends RouteSchema> {
  readonly path: string;
  readonly access: Access;
  /** Hooks that run after the guard and before the body is read. */
  readonly onRequest?: (request: FastifyRequest, reply: Parameters<Handler<Schema>>[1]) => Promise<void>;
  /** A request that is repeated with the same Idempotency-Key takes effect once. */
  readonly idempotent?: true;
  /** A body that replaces everything is needed even when all its fields are optional. */
  readonly isBodyNeeded?: true;
  readonly isRateLimited?: false;
  readonly serializerCompiler?: FastifySerializerCompiler<unknown>;
  readonly schema: Schema;
  /** The problems besides those that every guarded route can answer. */
  readonly problems?: readonly ProblemStatus[];
  readonly handler: Handler<Schema>;
}

/** A route that changes something must name its audit action, or null when no person acts. */
type Audited =
  | { readonly method: 'GET'; readonly audit?: AuditAction }
  | { readonly method: 'POST' | 'PUT' | 'PATCH' | 'DELETE'; readonly audit: AuditAction | null };

type Handler<Schema extends RouteSchema> = RouteHandlerMethod<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  RouteGenericInterface,
  ContextConfigDefault,
  Schema,
  ZodTypeProvider,
  FastifyBaseLogger
>;

/** Registers a route. Guard, documented security and problem responses follow from its options. */
export function route<const Schema extends RouteSchema>(
  app: App,
  { method, path, audit, handler, ...options }: RouteOptions<Schema> & Audited,
): void {
  const { access, idempotent, serializerCompiler } = options;
  const hooks = [
    ...guardsOf(app.guard, access),
    ...(options.onRequest === undefined ? [] : [options.onRequest]),
    ...(takesFiles(options.schema) ? [] : [ignoreTypeOfNothing]),
  ];
  const isOptionalBody = options.isBodyNeeded !== true && needsNoBody(options.schema);
  // Handlers are already typed by their schema. Fastify cannot infer the types of a generic schema.
  const untyped: FastifyInstance = app as never;
  untyped.route({
    ...(idempotent === true ? app.idempotency : {}),
    method,
    url: path,
    onRequest: hooks as Guard[],
    ...(isOptionalBody ? { preValidation: assumeEmptyBody } : {}),
    config: {
      ...(audit === undefined ? {} : { auditAction: audit }),
      ...(idempotent === true ? { idempotent } : {}),
      ...(isOptionalBody ? { isOptionalBody } : {}),
      ...(options.isRateLimited === false ? { rateLimit: false } : {}),
    },
    ...(serializerCompiler === undefined ? {} : { serializerCompiler }),
    schema: documented(options),
    handler: handler as RouteHandlerMethod,
  });
}

function guardsOf(guard: Guards, access: Access): Guard[] {
  if (typeof access === 'object') return [guard.sdkOr(access.sdkOr)];
  if (access === 'sdk' || access === 'admin') return [guard[access]];
  return access === 'vendor' || access === 'public' ? [] : [guard.may(access)];
}

function documented({
  access,
  schema,
  problems = [],
}: Pick<RouteOptions<RouteSchema>, 'access' | 'schema' | 'problems'>) {
  if (access === 'public') return schema;
  const response: Record<number, object> = { ...schema.response, ...problemResponses(...problems) };
  const roles = rolesText(access);
  if (roles !== undefined) response[403] = { ...response[403], description: `Forbidden. ${roles}` };
  return { ...schema, response, security: keysOf(access).map((key) => ({ [key]: [] })) };
}

function rolesText(access: Access): string | undefined {
  if (typeof access === 'object') return `An SDK key may do this, and the role ${rolesOf(access.sdkOr)}.`;
  return access in PERMISSIONS ? `The role ${rolesOf(access as Permission)} may do this.` : undefined;
}

/** The names of the security schemes, one of which a caller has to satisfy. */
function keysOf(access: Exclude<Access, 'public'>): string[] {
  if (typeof access === 'object') return ['sdk', 'person'];
  return access === 'sdk' || access === 'admin' || access === 'vendor' ? [access] : ['person'];
}
