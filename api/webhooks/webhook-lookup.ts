import type { FastifyRequest } from 'fastify';
import { findWebhook, type WebhookEndpoint } from '../../db/webhooks/webhooks.ts';
import { personOf } from '../access/auth.ts';
import type { ApiDeps } from '../http/deps.ts';
import { notFound } from '../http/problem.ts';

export const WEBHOOK_TAGS = ['webhooks'] as const;

export async function webhookOf(
  deps: ApiDeps,
  request: FastifyRequest & { params: { id: string } },
): Promise<WebhookEndpoint> {
  const { appId } = personOf(request);
  const found = await findWebhook(deps.db, { appId, id: request.params.id });
  if (found === undefined) throw notFound('webhook');
  return found;
}
