import {
  claimDueWebhooks,
  type DueWebhook,
  deleteWebhooksBefore,
  emitApprovalReminders,
} from '../../db/webhooks/webhook-outbox.ts';
import type { DelivererDeps } from '../deps.ts';
import { createNotifier } from '../notifier.ts';
import { attemptWebhook } from './webhook-attempt.ts';

const AT_A_TIME = 64;
/** Open requests per endpoint, so that a slow endpoint never holds up the others. */
const PER_ENDPOINT = 4;
const POLL_MS = 500;
/** Longer than a request and its record take together. */
const LEASE_MS = 60_000;
const REMIND_MS = 5_000;
const CLEAN_MS = 3_600_000;
const KEPT_MS = 30 * 24 * 3_600_000;

/**
 * Sends due webhooks until it is stopped. The deliverer polls an outbox in Postgres, in any number of
 * processes, and so is not an activity. Delivery is at least once: a message that was sent and not recorded
 * is sent again when its lease ends.
 */
export function startWebhookDeliverer(deps: DelivererDeps): { stop(): Promise<void> } {
  let isStopping = false;
  const notifier = createNotifier();
  const running = new Map<Promise<void>, string>();

  function start(webhook: DueWebhook): void {
    const work: Promise<void> = attemptWebhook(deps, webhook)
      .catch((error: unknown) =>
        deps.log.warn({ err: error }, 'the attempt of a webhook could not be recorded'),
      )
      .finally(() => {
        running.delete(work);
        // The next message of an object is due as soon as the one before it was tried.
        notifier.notify();
      });
    running.set(work, webhook.endpointId);
  }

  async function round(): Promise<number> {
    const now = await deps.clock();
    const claimed = await claimDueWebhooks(deps.db, {
      now,
      leaseUntil: new Date(now.getTime() + LEASE_MS),
      limit: AT_A_TIME - running.size,
      perEndpoint: PER_ENDPOINT,
      open: countsOf(running.values()),
    });
    for (const webhook of claimed) start(webhook);
    return claimed.length;
  }

  async function loop(): Promise<void> {
    const remind = every(REMIND_MS, async () => emitApprovalReminders(deps.db, await deps.clock()));
    const clean = every(CLEAN_MS, async () => {
      await deleteWebhooksBefore(deps.db, new Date((await deps.clock()).getTime() - KEPT_MS));
    });
    while (!isStopping) {
      try {
        await remind();
        await clean();
        const claimed = running.size < AT_A_TIME ? await round() : 0;
        if (claimed > 0) continue;
      } catch (error) {
        deps.log.warn({ err: error }, 'due webhooks could not be read');
      }
      if (!isStopping) await notifier.wait(POLL_MS);
    }
  }

  const looping = loop();
  return {
    async stop() {
      isStopping = true;
      notifier.notify();
      await looping;
      await Promise.all(running.keys());
    },
  };
}

function countsOf(endpointIds: Iterable<string>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const id of endpointIds) counts.set(id, (counts.get(id) ?? 0) + 1);
  return counts;
}

function every(ms: number, work: () => Promise<void>): () => Promise<void> {
  let last = Number.NEGATIVE_INFINITY;
  return async () => {
    if (performance.now() - last < ms) return;
    last = performance.now();
    await work();
  };
}
