import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { findCallerByKeyId } from '../../db/apps/keys.ts';
import { PUSH_ID, TASK_ID } from '../../domain/ids.ts';
import { AUDIT_ACTIONS } from '../access/audit-actions.ts';
import { personOf } from '../access/auth.ts';
import { route } from '../access/route.ts';
import type { ApiDeps, App } from '../http/deps.ts';
import { Problem } from '../http/problem.ts';
import { IsoDate } from '../http/schemas.ts';

const LIFETIME_MS = 60_000;
const PURPOSE = 'statistics stream';

const Path = z.string().refine((path) => {
  const [, kind, id] = /^\/v1\/(pushes|tasks)\/([^/]+)\/statistics\/stream$/.exec(path) ?? [];
  return (kind === 'pushes' ? PUSH_ID : TASK_ID).test(id ?? '');
}, 'must be the path of a stream: /v1/pushes/{id}/statistics/stream or /v1/tasks/{id}/statistics/stream');
const Ticket = z.object({
  purpose: z.literal(PURPOSE),
  keyId: z.string(),
  path: z.string(),
  until: z.number(),
});
type Ticket = z.infer<typeof Ticket>;

export const TicketQuery = z.object({
  ticket: z
    .string()
    .max(1_000)
    .optional()
    .describe('A ticket of `POST /v1/stream-tickets`, instead of the header Authorization'),
});

export function createStreamTicketRoute(app: App, deps: ApiDeps): void {
  route(app, {
    method: 'POST',
    path: '/v1/stream-tickets',
    access: 'tasks.read',
    audit: AUDIT_ACTIONS.createStreamTicket,
    schema: {
      operationId: 'createStreamTicket',
      summary: 'Create a ticket for a stream',
      example: { path: '/v1/pushes/push-0123456789-1/statistics/stream' },
      description:
        'A ticket opens one stream without the header Authorization, which EventSource cannot send. ' +
        `The stream has to be opened within ${LIFETIME_MS / 1_000} seconds.`,
      tags: ['statistics'],
      body: z.strictObject({ path: Path }).meta({ id: 'NewStreamTicket' }),
      response: {
        201: z
          .object({
            ticket: z.string(),
            /** The path with the ticket, for `new EventSource(…)`. */
            url: z.string(),
            expiresAt: IsoDate,
          })
          .meta({ id: 'StreamTicket' }),
      },
    },
    handler: async (request, reply) => {
      const { path } = request.body;
      const expiresAt = new Date((await deps.clock()).getTime() + LIFETIME_MS);
      const { keyId } = personOf(request);
      const ticket = sealed(deps, { purpose: PURPOSE, keyId, path, until: expiresAt.getTime() });
      reply.code(201).header('cache-control', 'no-store');
      return { ticket, url: `${path}?ticket=${ticket}`, expiresAt };
    },
  });
}

/** Names the caller of a request that shows a ticket. The guard of the route then checks the permission. */
export function admitByTicket(deps: ApiDeps) {
  return async (request: FastifyRequest): Promise<void> => {
    const [path, query] = request.url.split('?', 2);
    const shown = new URLSearchParams(query).get('ticket');
    if (shown === null || request.headers.authorization !== undefined) return;
    const ticket = opened(deps, shown);
    const now = (await deps.clock()).getTime();
    const isValid = ticket !== undefined && ticket.path === path && ticket.until > now;
    const owner = isValid ? await findCallerByKeyId(deps.db, ticket.keyId) : undefined;
    if (owner === undefined)
      throw new Problem(
        'unauthorized',
        'The ticket is not valid for this stream any more: make another with POST /v1/stream-tickets',
      );
    request.caller = owner;
  };
}

/** The vault's encryption proves that the ticket is ours, so that nothing has to be stored. */
function sealed({ vault }: ApiDeps, ticket: Ticket): string {
  return vault.seal(JSON.stringify(ticket)).toString('base64url');
}

function opened({ vault }: ApiDeps, shown: string): Ticket | undefined {
  try {
    return Ticket.safeParse(JSON.parse(vault.open(Buffer.from(shown, 'base64url')))).data;
  } catch {
    return undefined;
  }
}
