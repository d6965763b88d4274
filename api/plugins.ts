import helmet from '@fastify/helmet';
import rateLimit from '@fastify/rate-limit';
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyRequest } from 'fastify';
import { MINUTE_MS } from '../domain/duration.ts';
import { allowOtherOrigins } from './http/cors.ts';
import type { ApiDeps, App } from './http/deps.ts';
import { Problem } from './http/problem.ts';
import { documentAll, documentRoute } from './reference/openapi-document.ts';
import { FAVICON, LOGO, withoutUpgrade } from './reference/page.ts';
import { TAGS } from './reference/tags.ts';

export async function registerPlugins(app: App, deps: ApiDeps): Promise<void> {
  await app.register(helmet, { contentSecurityPolicy: { directives: { upgradeInsecureRequests: null } } });
  await allowOtherOrigins(app);
  await app.register(rateLimit, {
    max: deps.config.requestsPerMinute,
    timeWindow: MINUTE_MS,
    keyGenerator: bucketOf,
    errorResponseBuilder: (_request, { ttl }) =>
      new Problem('rate_limited', 'Too many requests', { retryAfterSeconds: Math.ceil(ttl / 1000) }),
  });
  await registerReference(app);
}

/**
 * Guards run before the limiter, so that the caller is known. All devices of an app share an SDK key, so its limit
 * counts per address.
 */
function bucketOf({ caller, ip }: FastifyRequest): string {
  if (caller === null || caller.kind === 'admin') return ip;
  return caller.kind === 'sdk' ? `${caller.keyId} ${ip}` : caller.keyId;
}

async function registerReference(app: App): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Signalbox',
        version: '1',
        description: 'Push marketing that is approved, durable and exact. Errors are RFC 9457 problems.',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
      components: {
        securitySchemes: {
          person: { type: 'http', scheme: 'bearer', description: "A person's key" },
          sdk: { type: 'http', scheme: 'bearer', description: 'An SDK key, which may be public' },
          vendor: {
            type: 'apiKey',
            in: 'header',
            name: 'webhook-signature',
            description: 'A signature by a vendor key, as specified by standardwebhooks.com',
          },
          admin: { type: 'http', scheme: 'bearer', description: 'ADMIN_KEY of the installation' },
        },
      },
    },
    transform: documentRoute,
    transformObject: documentAll,
  });
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    staticCSP: true,
    transformStaticCSP: withoutUpgrade,
    logo: LOGO,
    theme: { title: 'Signalbox API', favicon: [FAVICON] },
    uiConfig: { docExpansion: 'none', persistAuthorization: true },
  });
  app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger());
}
