import type { Logger } from 'pino';
import type { Db } from '../db/database.ts';
import {
  claimDueWebhooks,
  type DueWebhook,
  deleteWebhooksBefore,
  emitApprovalReminders,
} from '../db/webhook-outbox.ts';
import type { Clock } from '../domain/clock.ts';
import type { FindTarget } from '../domain/webhook-target.ts';
import { attemptWebhook } from './webhook-attempt.ts';

export interface DelivererDeps {
  readonly db: Db;
  readonly clock: Clock;
  readonly log: Logger;
  readonly findTarget: FindTarget;
  open(sealed: Buffer): string;
}

const AT_A_TIME = 64;
/** One slow endpoint never holds up the others. */
const PER_ENDPOINT = 4;
const POLL_MS = 500;
/** Longer than a request and its record take. */
const LEASE_MS = 60_000;
const REMIND_MS = 5_000;
const CLEAN_MS = 3_600_000;
const KEPT_MS = 30 * 24 * 3_600_000;

/**
 * Sends what is due until it is stopped; any number of processes may. At least once: what was sent and not recorded
 * is sent again when its lease is over.
 */
export function startWebhookDeliverer(deps: DelivererDeps): { stop(): Promise<void> } {
  let isStopping = false;
  let wake: () => void = () => undefined;
  const running = new Map<Promise<void>, string>();

  function start(webhook: DueWebhook): void {
    const work: Promise<void> = attemptWebhook(deps, webhook)
      .catch((error: unknown) => deps.log.warn({ err: error }, 'a webhook could not be recorded'))
      .finally(() => {
        running.delete(work);
        wake();
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
        deps.log.warn({ err: error }, 'webhooks cannot be looked up');
      }
      if (!isStopping) await untilWoken();
    }
  }

  /** The next of an object is due as soon as the one before it was tried. */
  function untilWoken(): Promise<void> {
    return new Promise((done) => {
      const timer = setTimeout(done, POLL_MS);
      wake = () => {
        clearTimeout(timer);
        done();
      };
    });
  }

  const looping = loop();
  return {
    async stop() {
      isStopping = true;
      wake();
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
