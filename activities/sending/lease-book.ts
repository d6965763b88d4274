import type { Settled } from '../../db/ledger/results-by-number.ts';
import type { Outcome } from '../../domain/pushes/outcome.ts';

interface Retry {
  readonly deliveryNo: number;
  /** On the monotonic clock, in milliseconds. */
  readonly at: number;
}

/** The results that the next statement writes, and the retries that it claims again. */
export interface Batch {
  readonly results: Settled[];
  readonly fresh: Retry[];
  readonly due: Retry[];
  /** Results of devices that no push service has. */
  readonly unsent: number;
}

/** The longest wait that a push service may ask for. No service documents more than a quarter of an hour. */
const MAX_RETRY_AFTER_MS = 900_000;
const RESEND_MS = 1_000;
const BACKOFF = {
  firstMs: 1_000,
  maxMs: 60_000,
};

/** The outcomes of one lease that are not yet written to Postgres, and its retries. */
export class LeaseBook {
  #results: Settled[] = [];
  /** Retries that are among the results and so not written yet. */
  #fresh: Retry[] = [];
  #unsent = 0;
  #retries: Retry[];
  /** How often a push service refused each delivery, or left it unanswered. */
  readonly #attempts = new Map<number, number>();
  readonly #resends: boolean;

  /** `resends`: a request that was written and never answered is sent again. */
  constructor(retries: readonly number[], resends: boolean) {
    this.#resends = resends;
    this.#retries = retries.map((deliveryNo) => ({ deliveryNo, at: 0 }));
  }

  get results(): number {
    return this.#results.length;
  }

  /** Results of devices that no push service has. */
  get unsent(): number {
    return this.#unsent;
  }

  /** Devices that are claimed and wait to be tried again. */
  get waiting(): number {
    return this.#retries.length + this.#fresh.length;
  }

  countDue(now: number): number {
    return this.#retries.reduce((count, { at }) => (at <= now ? count + 1 : count), 0);
  }

  get nextRetryAt(): number {
    return this.#retries.reduce((first, { at }) => Math.min(first, at), Number.POSITIVE_INFINITY);
  }

  record(deliveryNo: number, outcome: Outcome, now: number): void {
    if (isUnsent(outcome)) this.#unsent++;
    switch (outcome.kind) {
      case 'accepted':
        this.#results.push({ deliveryNo, status: 'accepted', reason: null });
        break;
      case 'rejected':
        this.#results.push({ deliveryNo, status: 'rejected', reason: outcome.reason });
        break;
      case 'ambiguous':
        if (this.#resends) this.#putBack(deliveryNo, null, now + RESEND_MS + this.#backOff(deliveryNo));
        else this.#results.push({ deliveryNo, status: 'ambiguous', reason: outcome.reason });
        break;
      case 'refused':
        this.#putBack(deliveryNo, outcome.reason, now);
        break;
      case 'retry_later': {
        // Only a refusal by the push service counts as an attempt.
        const reason = outcome.answered ? outcome.reason : null;
        const afterMs = Math.min(outcome.afterMs, MAX_RETRY_AFTER_MS);
        this.#putBack(
          deliveryNo,
          reason,
          now + (outcome.answered ? Math.max(afterMs, this.#backOff(deliveryNo)) : afterMs),
        );
        break;
      }
      case 'not_started':
        this.#putBack(deliveryNo, null, now);
        break;
    }
  }

  /** All results, and at most `limit` retries that are due. */
  drain(now: number, limit: number): Batch {
    const due = this.#drainDue(now, limit);
    const batch = { results: this.#results, fresh: this.#fresh, due, unsent: this.#unsent };
    this.#results = [];
    this.#fresh = [];
    this.#unsent = 0;
    return batch;
  }

  /** The retries alone, while the results wait for a statement of their own. */
  drainRetries(now: number, limit: number): Batch {
    return { results: [], fresh: [], due: this.#drainDue(now, limit), unsent: 0 };
  }

  /** Called when the batch is written. Its retries may then be tried again. */
  commit(batch: Batch): void {
    this.#retries.push(...batch.fresh);
  }

  /** Called when the batch could not be written. The batch waits for the next statement. */
  restore(batch: Batch): void {
    this.#results.unshift(...batch.results);
    this.#fresh.unshift(...batch.fresh);
    this.#retries.push(...batch.due);
    this.#unsent += batch.unsent;
  }

  /**
   * Settles the retries of a lease that ends as retries, because a statement without an answer may have
   * marked them in flight.
   */
  settleRetries(): void {
    for (const { deliveryNo } of this.#retries)
      this.#results.push({ deliveryNo, status: 'retry', reason: null });
    this.#retries = [];
  }

  #drainDue(now: number, limit: number): Retry[] {
    const due = this.#retries.filter((retry) => retry.at <= now).slice(0, Math.max(0, limit));
    if (due.length > 0) {
      const drained = new Set(due);
      this.#retries = this.#retries.filter((retry) => !drained.has(retry));
    }
    return due;
  }

  /** No wait the first time, then 1 s, 3 s, 7 s, … */
  #backOff(deliveryNo: number): number {
    const before = this.#attempts.get(deliveryNo) ?? 0;
    this.#attempts.set(deliveryNo, before + 1);
    return Math.min(BACKOFF.maxMs, BACKOFF.firstMs * (2 ** before - 1));
  }

  #putBack(deliveryNo: number, reason: string | null, at: number): void {
    this.#results.push({ deliveryNo, status: 'retry', reason });
    this.#fresh.push({ deliveryNo, at });
  }
}

export function isUnsent(outcome: Outcome): boolean {
  return outcome.kind === 'not_started' || (outcome.kind === 'retry_later' && !outcome.answered);
}
