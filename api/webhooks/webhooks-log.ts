import { z } from 'zod';
import {
  findWebhookDelivery,
  insertPing,
  listWebhookAttempts,
  listWebhookDeliveries,
  replayWebhooks,
} from '../../db/webhooks/webhook-log.ts';
import type { WebhookEndpoint } from '../../db/webhooks/webhooks.ts';
import { AUDIT_ACTIONS, recordAuditEntry } from '../access/audit-actions.ts';
import { personOf } from '../access/auth.ts';
import { route } from '../access/route.ts';
import type { ApiDeps, App } from '../http/deps.ts';
import { decodePlace, toNumberedPage } from '../http/number-cursor.ts';
import { notFound, Problem } from '../http/problem.ts';
import { IdParams, IsoDate, Page, PageQuery } from '../http/schemas.ts';
import { WEBHOOK_TAGS as tags, webhookOf } from './webhook-lookup.ts';

const STATUSES = ['pending', 'delivered', 'failed'] as const;
const delivery = {
  /** The `webhook-id` header of the requests. */
  messageId: z.string(),
  type: z.string(),
  /** The task or push of the event. */
  objectId: z.string(),
  at: IsoDate,
  status: z.enum(STATUSES),
  attempts: z.int(),
  nextAttemptAt: IsoDate.nullable(),
  lastStatus: z.int().nullable(),
  lastError: z.string().nullable(),
  settledAt: IsoDate.nullable(),
  data: z.record(z.string(), z.unknown()),
};
const Delivery = z.object(delivery).meta({ id: 'WebhookDelivery' });
const DeliveryWithAttempts = z
  .object({
    ...delivery,
    /** The newest 100 attempts, newest first. */
    attemptLog: z.array(
      z.object({
        attempt: z.int(),
        at: IsoDate,
        durationMs: z.int(),
        status: z.int().nullable(),
        error: z.string().nullable(),
      }),
    ),
  })
  .meta({ id: 'WebhookDeliveryWithAttempts' });
const MessageParams = IdParams.extend({ messageId: z.string().max(100) });
const Query = PageQuery.extend({ status: z.enum(STATUSES).optional() });
const Since = z.strictObject({ since: IsoDate }).meta({ id: 'WebhookReplay' });

export async function webhookLogRoutes(app: App, deps: ApiDeps): Promise<void> {
  listWebhookDeliveriesRoute(app, deps);
  getWebhookDeliveryRoute(app, deps);
  replayWebhookRoute(app, deps);
  replayFailedWebhooksRoute(app, deps);
  pingWebhookRoute(app, deps);
}

function listWebhookDeliveriesRoute(app: App, deps: ApiDeps): void {
  route(app, {
    method: 'GET',
    path: '/v1/webhooks/:id/deliveries',
    access: 'webhooks.read',
    schema: {
      operationId: 'listWebhookDeliveries',
      summary: 'List the messages of a webhook',
      tags,
      params: IdParams,
      querystring: Query,
      response: { 200: Page(Delivery) },
    },
    problems: [404],
    handler: async (request) => {
      const { id: endpointId } = await webhookOf(deps, request);
      const { limit, cursor, status } = request.query;
      const before = decodePlace(cursor);
      const rows = await listWebhookDeliveries(deps.db, { endpointId, status, before, limit: limit + 1 });
      return toNumberedPage(rows, limit, ({ no }) => no);
    },
  });
}

function getWebhookDeliveryRoute(app: App, deps: ApiDeps): void {
  route(app, {
    method: 'GET',
    path: '/v1/webhooks/:id/deliveries/:messageId',
    access: 'webhooks.read',
    schema: {
      operationId: 'getWebhookDelivery',
      summary: 'Get a message with its attempts',
      tags,
      params: MessageParams,
      response: { 200: DeliveryWithAttempts },
    },
    problems: [404],
    handler: async (request) => {
      const { id: endpointId } = await webhookOf(deps, request);
      const { messageId } = request.params;
      const found = await findWebhookDelivery(deps.db, { endpointId, messageId });
      if (found === undefined) throw notFound('message');
      return { ...found, attemptLog: await listWebhookAttempts(deps.db, { endpointId, no: found.no }) };
    },
  });
}

function replayWebhookRoute(app: App, deps: ApiDeps): void {
  route(app, {
    method: 'POST',
    path: '/v1/webhooks/:id/deliveries/:messageId/replay',
    access: 'webhooks.change',
    audit: AUDIT_ACTIONS.replayWebhook,
    idempotent: true,
    schema: {
      operationId: 'replayWebhook',
      summary: 'Send a message again',
      description: 'Sends the message again under the same ID, with all retries.',
      tags,
      params: MessageParams,
      response: { 202: Delivery },
    },
    problems: [404, 409, 422],
    handler: async (request, reply) => {
      const { id: endpointId } = enabled(await webhookOf(deps, request));
      const key = { endpointId, messageId: request.params.messageId };
      const found = await findWebhookDelivery(deps.db, key);
      if (found === undefined) throw notFound('message');
      const now = await deps.clock();
      await deps.db.transaction().execute(async (trx) => {
        const count = await replayWebhooks(trx, { endpointId, no: found.no, now });
        if (count === 0) throw new Problem('not_allowed_now', 'The message is still waiting to be sent');
        await recordAuditEntry(trx, request, { detail: `${endpointId}: ${key.messageId}`, now });
      });
      return reply.code(202).send((await findWebhookDelivery(deps.db, key)) ?? found);
    },
  });
}

function replayFailedWebhooksRoute(app: App, deps: ApiDeps): void {
  route(app, {
    method: 'POST',
    path: '/v1/webhooks/:id/replay-failed',
    access: 'webhooks.change',
    audit: AUDIT_ACTIONS.replayFailedWebhooks,
    idempotent: true,
    schema: {
      operationId: 'replayFailedWebhooks',
      summary: 'Send all failed messages again',
      example: { since: '2026-11-20T00:00:00Z' },
      description: 'Sends all failed messages since that time again. Messages are kept for 30 days.',
      tags,
      params: IdParams,
      body: Since,
      response: { 202: z.object({ replayed: z.int() }) },
    },
    problems: [404, 409, 413, 415, 422],
    handler: async (request, reply) => {
      const { id: endpointId } = enabled(await webhookOf(deps, request));
      const { since } = request.body;
      const now = await deps.clock();
      const replayed = await deps.db.transaction().execute(async (trx) => {
        const count = await replayWebhooks(trx, { endpointId, since, now });
        await recordAuditEntry(trx, request, {
          detail: `${endpointId}: ${count} since ${since.toISOString()}`,
          now,
        });
        return count;
      });
      return reply.code(202).send({ replayed });
    },
  });
}

function pingWebhookRoute(app: App, deps: ApiDeps): void {
  route(app, {
    method: 'POST',
    path: '/v1/webhooks/:id/ping',
    access: 'webhooks.change',
    audit: AUDIT_ACTIONS.pingWebhook,
    idempotent: true,
    schema: {
      operationId: 'pingWebhook',
      summary: 'Send a ping to a webhook',
      description: 'Sends a `webhook.ping`. The log of deliveries shows its outcome.',
      tags,
      params: IdParams,
      response: { 202: z.object({ messageId: z.string() }) },
    },
    problems: [404, 409, 422],
    handler: async (request, reply) => {
      const { id: endpointId } = enabled(await webhookOf(deps, request));
      const { appId } = personOf(request);
      const now = await deps.clock();
      const messageId = await deps.db.transaction().execute(async (trx) => {
        const id = await insertPing(trx, { appId, endpointId, now });
        await recordAuditEntry(trx, request, { detail: endpointId, now });
        return id;
      });
      return reply.code(202).send({ messageId });
    },
  });
}

function enabled(webhook: WebhookEndpoint): WebhookEndpoint {
  if (webhook.disabledAt === null) return webhook;
  throw new Problem('not_allowed_now', `The webhook is disabled: ${webhook.disabledReason ?? ''}`);
}
