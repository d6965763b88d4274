import type { Settled } from '../db/advance.ts';
import type { InvalidToken } from '../db/invalid-tokens.ts';
import type { Outcome } from '../domain/outcome.ts';

interface Retry {
  readonly n: number;
  /** On the monotonic clock, in milliseconds. */
  readonly at: number;
}

/** What the next statement writes, and the retries that are due in it. */
export interface Batch {
  readonly results: Settled[];
  readonly gone: InvalidToken[];
  readonly fresh: Retry[];
  readonly due: Retry[];
  /** How many of the results no push service has. */
  readonly unsent: number;
}

/** Longer waits than this are left to the push service's own back-off, asked again. */
const MAX_RETRY_WAIT_MS = 60_000;
const RESEND_MS = 1_000;

/** What one lease has learned and not yet written to Postgres. */
export class LeaseBook {
  /** Tokens that may be good, if the credential is wrong: they wait until the lease is done. */
  readonly doubtful: InvalidToken[] = [];
  refusal: string | undefined;
  #results: Settled[] = [];
  #gone: InvalidToken[] = [];
  /** Put back among the results, and so not written yet. */
  #fresh: Retry[] = [];
  #unsent = 0;
  #retries: Retry[];
  readonly #resends: boolean;

  /** `resends`: what is written and never answered is sent again. */
  constructor(retries: readonly number[], resends: boolean) {
    this.#resends = resends;
    this.#retries = retries.map((n) => ({ n, at: 0 }));
  }

  get results(): number {
    return this.#results.length;
  }

  /** How many of the results no push service has. */
  get unsent(): number {
    return this.#unsent;
  }

  /** Devices that are claimed and wait to be tried again. */
  get waiting(): number {
    return this.#retries.length + this.#fresh.length;
  }

  get nextRetryAt(): number {
    return this.#retries.reduce((first, { at }) => Math.min(first, at), Number.POSITIVE_INFINITY);
  }

  enter(n: number, outcome: Outcome, now: number): void {
    if (isUnsent(outcome)) this.#unsent++;
    switch (outcome.kind) {
      case 'accepted':
        this.#results.push({ n, status: 'accepted', reason: null });
        break;
      case 'rejected': {
        const { reason, staleSince = new Date(), token } = outcome;
        this.#results.push({ n, status: 'rejected', reason });
        if (token === 'good') break;
        (token === 'gone' ? this.#gone : this.doubtful).push({ n, reason, staleSince });
        break;
      }
      case 'ambiguous':
        if (this.#resends) this.#putBack(n, null, now + RESEND_MS);
        else this.#results.push({ n, status: 'ambiguous', reason: outcome.reason });
        break;
      case 'refused':
        this.refusal ??= `${outcome.fault} refused by the push service: ${outcome.reason}`;
        this.#putBack(n, outcome.reason, now);
        break;
      case 'retry_later': {
        // Only an attempt that the service refused counts as one.
        const reason = outcome.answered ? outcome.reason : null;
        this.#putBack(n, reason, now + Math.min(outcome.afterMs, MAX_RETRY_WAIT_MS));
        break;
      }
      case 'not_started':
        this.#putBack(n, null, now);
        break;
    }
  }

  take(now: number, limit: number): Batch {
    const due = this.#takeDue(now, limit);
    const batch = { results: this.#results, gone: this.#gone, fresh: this.#fresh, due, unsent: this.#unsent };
    this.#results = [];
    this.#gone = [];
    this.#fresh = [];
    this.#unsent = 0;
    return batch;
  }

  /** The retries alone: the results wait for a statement of their own. */
  takeRetries(now: number, limit: number): Batch {
    return { results: [], gone: [], fresh: [], due: this.#takeDue(now, limit), unsent: 0 };
  }

  /** What the batch put back may be tried again. */
  written(batch: Batch): void {
    this.#retries.push(...batch.fresh);
  }

  /** The batch waits for the next try. */
  notWritten(batch: Batch): void {
    this.#results.unshift(...batch.results);
    this.#gone.unshift(...batch.gone);
    this.#fresh.unshift(...batch.fresh);
    this.#retries.push(...batch.due);
    this.#unsent += batch.unsent;
  }

  /** When nothing is sent any more: what a statement whose answer was lost may have reopened was not written. */
  giveBackRetries(): void {
    for (const { n } of this.#retries) this.#results.push({ n, status: 'retry', reason: null });
    this.#retries = [];
  }

  #takeDue(now: number, limit: number): Retry[] {
    const due = this.#retries.filter((retry) => retry.at <= now).slice(0, Math.max(0, limit));
    if (due.length > 0) {
      const taken = new Set(due);
      this.#retries = this.#retries.filter((retry) => !taken.has(retry));
    }
    return due;
  }

  #putBack(n: number, reason: string | null, at: number): void {
    this.#results.push({ n, status: 'retry', reason });
    this.#fresh.push({ n, at });
  }
}

export function isUnsent(outcome: Outcome): boolean {
  return outcome.kind === 'not_started' || (outcome.kind === 'retry_later' && !outcome.answered);
}
