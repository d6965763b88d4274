import { z } from 'zod';
import {
  findWebhookDelivery,
  insertPing,
  listWebhookAttempts,
  listWebhookDeliveries,
  replayWebhooks,
} from '../../db/webhook-log.ts';
import type { WebhookEndpoint } from '../../db/webhooks.ts';
import { recordAuditEntry } from '../audit-actions.ts';
import { personOf } from '../auth.ts';
import type { ApiDeps, App } from '../deps.ts';
import { idempotent } from '../idempotency.ts';
import { decodePlace, toNumberedPage } from '../number-cursor.ts';
import { PERSON } from '../openapi.ts';
import { notFound, Problem, problemResponses } from '../problem.ts';
import { IdParams, IsoDate, Page, PageQuery } from '../schemas.ts';
import { WEBHOOK_TAGS as tags, webhookOf } from '../webhook-lookup.ts';

const STATUSES = ['pending', 'delivered', 'failed'] as const;
const delivery = {
  /** The `webhook-id` of its requests. */
  messageId: z.string(),
  type: z.string(),
  /** The task or push it tells of. */
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
    /** The newest 100, newest first. */
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
  const base = { tags, ...PERSON };
  const changing = { onRequest: app.guard.may('webhooks.change'), ...idempotent(deps) };
  const reading = { onRequest: app.guard.may('webhooks.read') };

  app.get(
    '/v1/webhooks/:id/deliveries',
    {
      ...reading,
      schema: {
        ...base,
        operationId: 'listWebhookDeliveries',
        params: IdParams,
        querystring: Query,
        response: { 200: Page(Delivery), ...problemResponses(404) },
      },
    },
    async (request) => {
      const { id: endpointId } = await webhookOf(deps, request);
      const { limit, cursor, status } = request.query;
      const before = decodePlace(cursor);
      const rows = await listWebhookDeliveries(deps.db, { endpointId, status, before, limit: limit + 1 });
      return toNumberedPage(rows, limit, ({ no }) => no);
    },
  );

  app.get(
    '/v1/webhooks/:id/deliveries/:messageId',
    {
      ...reading,
      schema: {
        ...base,
        operationId: 'getWebhookDelivery',
        params: MessageParams,
        response: { 200: DeliveryWithAttempts, ...problemResponses(404) },
      },
    },
    async (request) => {
      const { id: endpointId } = await webhookOf(deps, request);
      const { messageId } = request.params;
      const found = await findWebhookDelivery(deps.db, { endpointId, messageId });
      if (found === undefined) throw notFound('message');
      return { ...found, attemptLog: await listWebhookAttempts(deps.db, { endpointId, no: found.no }) };
    },
  );

  app.post(
    '/v1/webhooks/:id/deliveries/:messageId/replay',
    {
      ...changing,
      schema: {
        ...base,
        operationId: 'replayWebhook',
        description: 'Sends it again under the same ID, with all its retries.',
        params: MessageParams,
        response: { 202: Delivery, ...problemResponses(404, 409, 422) },
      },
    },
    async (request, reply) => {
      const { id: endpointId } = enabled(await webhookOf(deps, request));
      const key = { endpointId, messageId: request.params.messageId };
      const found = await findWebhookDelivery(deps.db, key);
      if (found === undefined) throw notFound('message');
      const now = await deps.clock();
      await deps.db.transaction().execute(async (trx) => {
        const count = await replayWebhooks(trx, { endpointId, no: found.no, now });
        if (count === 0) throw new Problem('not_allowed_now', 'It waits to be sent anyway');
        await recordAuditEntry(trx, request, { detail: `${endpointId}: ${key.messageId}`, now });
      });
      return reply.code(202).send((await findWebhookDelivery(deps.db, key)) ?? found);
    },
  );

  app.post(
    '/v1/webhooks/:id/replay-failed',
    {
      ...changing,
      schema: {
        ...base,
        operationId: 'replayFailedWebhooks',
        description: 'Sends all again that failed and happened since then. Messages are kept for 30 days.',
        params: IdParams,
        body: Since,
        response: { 202: z.object({ replayed: z.int() }), ...problemResponses(404, 409, 413, 415, 422) },
      },
    },
    async (request, reply) => {
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
  );

  app.post(
    '/v1/webhooks/:id/ping',
    {
      ...changing,
      schema: {
        ...base,
        operationId: 'pingWebhook',
        description: 'Sends a `webhook.ping`. What became of it is in the log of deliveries.',
        params: IdParams,
        response: { 202: z.object({ messageId: z.string() }), ...problemResponses(404, 409, 422) },
      },
    },
    async (request, reply) => {
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
  );
}

function enabled(webhook: WebhookEndpoint): WebhookEndpoint {
  if (webhook.disabledAt === null) return webhook;
  throw new Problem('not_allowed_now', `The webhook is disabled: ${webhook.disabledReason ?? ''}`);
}
