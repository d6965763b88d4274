import type { FastifyRequest } from 'fastify';
import { insertAct } from '../db/audit.ts';
import { findWebhook, type WebhookEndpoint } from '../db/webhooks.ts';
import { personOf } from './auth.ts';
import type { ApiDeps } from './deps.ts';
import { originOf } from './origin.ts';
import { notFound } from './problem.ts';

export const WEBHOOK_TAGS = ['webhooks'];

/** Writes into the audit what a person did to a webhook. */
export async function actOn(
  deps: ApiDeps,
  request: FastifyRequest,
  verb: string,
  detail: string,
): Promise<void> {
  const { appId, personId } = personOf(request);
  const now = await deps.clock();
  await insertAct(deps.db, { appId, personId, verb, detail, origin: originOf(request, now), now });
}

export async function webhookOf(
  deps: ApiDeps,
  request: FastifyRequest & { params: { id: string } },
): Promise<WebhookEndpoint> {
  const { appId } = personOf(request);
  const found = await findWebhook(deps.db, { appId, id: request.params.id });
  if (found === undefined) throw notFound('webhook');
  return found;
}
