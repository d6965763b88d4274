import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import {
  deleteWebhook,
  findWebhook,
  insertWebhook,
  listWebhooks,
  MAX_WEBHOOKS,
  rotateWebhookSecret,
  updateWebhook,
} from '../../db/webhooks/webhooks.ts';
import { HOUR_MS } from '../../domain/duration.ts';
import { newId } from '../../domain/ids.ts';
import { PlainText } from '../../domain/plain-text.ts';
import { WEBHOOK_EVENTS } from '../../domain/webhooks/webhook.ts';
import { newWebhookSecret } from '../../security/standard-webhooks.ts';
import { AUDIT_ACTIONS, recordAuditEntry } from '../access/audit-actions.ts';
import { personOf } from '../access/auth.ts';
import { route } from '../access/route.ts';
import type { ApiDeps, App } from '../http/deps.ts';
import { notFound, Problem } from '../http/problem.ts';
import { IdParams, IsoDate } from '../http/schemas.ts';
import { WEBHOOK_TAGS as tags } from './webhook-lookup.ts';
import { createUrlCheck, type UrlCheck } from './webhook-url.ts';

const Events = z
  .array(z.enum(WEBHOOK_EVENTS))
  .min(1)
  .max(WEBHOOK_EVENTS.length)
  .transform((events) => [...new Set(events)]);
const Url = z.string().trim().max(2000);
const Description = PlainText(200);
const NewWebhook = z
  .strictObject({ url: Url, events: Events, description: Description.optional() })
  .meta({ id: 'NewWebhook' });
const WebhookChange = z
  .strictObject({
    url: Url.optional(),
    events: Events.optional(),
    description: Description.optional(),
    /** `false` enables the webhook again. Messages that failed meanwhile are sent only by a replay. */
    disabled: z.boolean().optional(),
  })
  .meta({ id: 'WebhookChange' });
const webhook = {
  id: z.string(),
  url: z.string(),
  description: z.string(),
  events: z.array(z.enum(WEBHOOK_EVENTS)),
  disabledAt: IsoDate.nullable(),
  disabledReason: z.string().nullable(),
  /** The time since which no attempt succeeded. */
  failingSince: IsoDate.nullable(),
  /** The time until which messages also carry a signature of the previous secret. */
  previousSecretUntil: IsoDate.nullable(),
  createdAt: IsoDate,
  updatedAt: IsoDate,
};
const Webhook = z.object(webhook).meta({ id: 'Webhook' });
/** The secret is shown once. */
const WebhookWithSecret = z.object({ ...webhook, secret: z.string() }).meta({ id: 'WebhookWithSecret' });
const Rotation = z
  .strictObject({ overlapHours: z.int().min(0).max(168).default(24) })
  .meta({ id: 'WebhookRotation' });

export async function webhookRoutes(app: App, deps: ApiDeps): Promise<void> {
  const checkUrl = createUrlCheck(deps);
  createWebhookRoute(app, deps, checkUrl);
  listWebhooksRoute(app, deps);
  getWebhookRoute(app, deps);
  changeWebhookRoute(app, deps, checkUrl);
  deleteWebhookRoute(app, deps);
  rotateWebhookSecretRoute(app, deps);
}

function createWebhookRoute(app: App, deps: ApiDeps, checkUrl: UrlCheck): void {
  route(app, {
    method: 'POST',
    path: '/v1/webhooks',
    access: 'webhooks.change',
    audit: AUDIT_ACTIONS.createWebhook,
    idempotent: true,
    schema: {
      operationId: 'createWebhook',
      summary: 'Create a webhook',
      example: { url: 'https://example.com/signalbox', events: ['task.status_changed'] },
      tags,
      body: NewWebhook,
      response: { 201: WebhookWithSecret },
    },
    problems: [409, 413, 415, 422],
    handler: async (request, reply) => {
      const { appId, personId } = personOf(request);
      const { url, events, description = '' } = request.body;
      await checkUrl(url);
      const id = newId('webhook', randomBytes);
      const secret = newWebhookSecret();
      const now = await deps.clock();
      const stored = { sealed: deps.vault.seal(secret), createdBy: personId, now };
      const made = await deps.db.transaction().execute(async (trx) => {
        const row = await insertWebhook(trx, { appId, id, url, events, description, ...stored });
        if (row === undefined) throw new Problem('conflict', `An app has at most ${MAX_WEBHOOKS} webhooks`);
        await recordAuditEntry(trx, request, { detail: `${id}: ${events.join(', ')}`, now });
        return row;
      });
      return reply
        .code(201)
        .header('location', `/v1/webhooks/${id}`)
        .send({ ...made, secret });
    },
  });
}

function listWebhooksRoute(app: App, deps: ApiDeps): void {
  route(app, {
    method: 'GET',
    path: '/v1/webhooks',
    access: 'webhooks.read',
    schema: {
      operationId: 'listWebhooks',
      summary: 'List webhooks',
      tags,
      response: { 200: z.object({ items: z.array(Webhook) }) },
    },
    handler: async (request) => ({ items: await listWebhooks(deps.db, personOf(request).appId) }),
  });
}

function getWebhookRoute(app: App, deps: ApiDeps): void {
  route(app, {
    method: 'GET',
    path: '/v1/webhooks/:id',
    access: 'webhooks.read',
    schema: {
      operationId: 'getWebhook',
      summary: 'Get a webhook',
      tags,
      params: IdParams,
      response: { 200: Webhook },
    },
    problems: [404],
    handler: async (request) => {
      const found = await findWebhook(deps.db, { appId: personOf(request).appId, id: request.params.id });
      if (found === undefined) throw notFound('webhook');
      return found;
    },
  });
}

function changeWebhookRoute(app: App, deps: ApiDeps, checkUrl: UrlCheck): void {
  route(app, {
    method: 'PATCH',
    path: '/v1/webhooks/:id',
    access: 'webhooks.change',
    audit: AUDIT_ACTIONS.changeWebhook,
    schema: {
      operationId: 'changeWebhook',
      summary: 'Change a webhook',
      example: { description: 'The backend of the shop' },
      tags,
      params: IdParams,
      body: WebhookChange,
      response: { 200: Webhook },
    },
    problems: [404, 413, 415],
    handler: async (request) => {
      const { appId } = personOf(request);
      const { id } = request.params;
      if (request.body.url !== undefined) await checkUrl(request.body.url);
      const now = await deps.clock();
      return await deps.db.transaction().execute(async (trx) => {
        const changed = await updateWebhook(trx, { appId, id, ...request.body, now });
        if (changed === undefined) throw notFound('webhook');
        await recordAuditEntry(trx, request, {
          detail: `${id}: ${Object.keys(request.body).join(', ')}`,
          now,
        });
        return changed;
      });
    },
  });
}

function deleteWebhookRoute(app: App, deps: ApiDeps): void {
  route(app, {
    method: 'DELETE',
    path: '/v1/webhooks/:id',
    access: 'webhooks.change',
    audit: AUDIT_ACTIONS.deleteWebhook,
    schema: {
      operationId: 'deleteWebhook',
      summary: 'Delete a webhook',
      description: 'Deletes the webhook with its waiting messages and its log.',
      tags,
      params: IdParams,
      response: { 204: z.null() },
    },
    problems: [404],
    handler: async (request, reply) => {
      const { id } = request.params;
      const { appId } = personOf(request);
      const now = await deps.clock();
      await deps.db.transaction().execute(async (trx) => {
        if (!(await deleteWebhook(trx, { appId, id }))) throw notFound('webhook');
        await recordAuditEntry(trx, request, { detail: id, now });
      });
      return reply.code(204).send(null);
    },
  });
}

function rotateWebhookSecretRoute(app: App, deps: ApiDeps): void {
  route(app, {
    method: 'POST',
    path: '/v1/webhooks/:id/rotate-secret',
    access: 'webhooks.change',
    audit: AUDIT_ACTIONS.rotateWebhookSecret,
    idempotent: true,
    schema: {
      operationId: 'rotateWebhookSecret',
      summary: 'Rotate the secret of a webhook',
      example: { overlapHours: 24 },
      tags,
      params: IdParams,
      body: Rotation,
      response: { 200: WebhookWithSecret },
    },
    problems: [404, 409, 413, 415, 422],
    handler: async (request) => {
      const { id } = request.params;
      const secret = newWebhookSecret();
      const now = await deps.clock();
      const previousUntil = new Date(now.getTime() + request.body.overlapHours * HOUR_MS);
      const key = { appId: personOf(request).appId, id };
      const stored = { sealed: deps.vault.seal(secret), previousUntil, now };
      return await deps.db.transaction().execute(async (trx) => {
        const rotated = await rotateWebhookSecret(trx, { ...key, ...stored });
        if (rotated === undefined) throw notFound('webhook');
        await recordAuditEntry(trx, request, { detail: id, now });
        return { ...rotated, secret };
      });
    },
  });
}
