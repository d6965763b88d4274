import {
  type AttemptOutcome,
  type DueWebhook,
  recordWebhookAttempt,
} from '../../db/webhooks/webhook-outbox.ts';
import { retryAfterMs } from '../../domain/retry-after.ts';
import { bodyOf } from '../../domain/webhooks/webhook.ts';
import { DISABLED_AFTER_MS, nextTry } from '../../domain/webhooks/webhook-retry.ts';
import { signWebhook } from '../../security/standard-webhooks.ts';
import type { DelivererDeps } from '../deps.ts';
import { postWebhook, type WebhookAnswer } from './webhook-request.ts';

const TIMEOUT_MS = 10_000;
const GONE = 410;

type Sent = WebhookAnswer | { readonly error: string };

/** Sends one request and records its outcome. */
export async function attemptWebhook(deps: DelivererDeps, webhook: DueWebhook): Promise<void> {
  const at = await deps.clock();
  const began = performance.now();
  const sent = await send(deps, webhook, at);
  const durationMs = Math.round(performance.now() - began);
  const now = await deps.clock();
  const status = 'status' in sent ? sent.status : null;
  const error = 'error' in sent ? sent.error : faultOf(sent.status);
  await recordWebhookAttempt(
    deps.db,
    { webhook, at, durationMs, status, error },
    outcomeOf(webhook, sent, now),
    now,
  );
}

async function send(deps: DelivererDeps, webhook: DueWebhook, at: Date): Promise<Sent> {
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const late = new Promise<Sent>((done) => {
    signal.addEventListener('abort', () => done({ error: `no answer within ${TIMEOUT_MS / 1000} s` }));
  });
  return await Promise.race([late, request(deps, webhook, at, signal)]);
}

async function request(
  { open, findTarget }: DelivererDeps,
  { url: text, secret, previousSecret, messageId, no, type, at: happened, data }: DueWebhook,
  at: Date,
  signal: AbortSignal,
): Promise<Sent> {
  try {
    const url = new URL(text);
    const target = await findTarget(url);
    if (!target.ok) return { error: `refused: ${target.reason}` };
    const body = bodyOf({ no, type, at: happened, data });
    const secrets = [secret, previousSecret].filter((each) => each !== null).map((each) => open(each));
    const headers = { 'user-agent': 'Signalbox', ...signWebhook(secrets, { id: messageId, at, body }) };
    return await postWebhook({ url, addresses: target.addresses, headers, body, signal });
  } catch (error) {
    return { error: describe(error) };
  }
}

/** Names the code alone, because messages of network errors contain addresses. */
function describe(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
  return `no answer: ${code}`;
}

function faultOf(status: number): string | null {
  if (status >= 200 && status < 300) return null;
  if (status >= 300 && status < 400) return `answered ${status}: redirects are not followed`;
  return `answered ${status}`;
}

function outcomeOf(webhook: DueWebhook, sent: Sent, now: Date): AttemptOutcome {
  if ('status' in sent && faultOf(sent.status) === null) return { kind: 'delivered' };
  if ('status' in sent && sent.status === GONE) {
    return { kind: 'failed', retryAt: null, disable: 'the endpoint answered 410 Gone' };
  }
  const { failingSince, retryFrom: from, tries } = webhook;
  const hasFailedLong = failingSince !== null && now.getTime() - failingSince.getTime() >= DISABLED_AFTER_MS;
  const wait = 'status' in sent ? retryAfterMs(sent.retryAfter, now) : undefined;
  const retryAt = nextTry({ tries: tries + 1, from, now, retryAfterMs: wait, random: Math.random() }) ?? null;
  return { kind: 'failed', retryAt, disable: hasFailedLong ? 'the endpoint has failed for 5 days' : null };
}
