import { type Advanced, advanceLease } from '../../db/ledger/advance.ts';
import { invalidateTokens } from '../../db/ledger/invalid-tokens.ts';
import { handOverLease } from '../../db/ledger/leases.ts';
import type { SenderDeps } from '../deps.ts';
import type { BadTokens } from './bad-tokens.ts';
import type { Batch } from './lease-book.ts';
import type { LeaseWork } from './lease-work.ts';

const BACKOFF = {
  firstMs: 50,
  maxMs: 1_000,
};

/**
 * The statements of one lease. A failed statement is logged, and the sending loop repeats it after
 * `backoffMs`.
 */
export class LeaseStatements {
  readonly #deps: SenderDeps;
  readonly #work: LeaseWork;
  #backoffMs = 0;

  constructor(deps: SenderDeps, work: LeaseWork) {
    this.#deps = deps;
    this.#work = work;
  }

  /** How long the loop waits after a failed statement. */
  get backoffMs(): number {
    return this.#backoffMs;
  }

  /** How many of the requested devices the rates grant. */
  async grant(requested: number): Promise<number> {
    const ask = () => this.#work.pacer.claimable(requested);
    return (await this.#attempt('the rate limits could not be checked', ask)) ?? 0;
  }

  /**
   * Settles the batch and claims up to `claimTo`. Undefined without an answer, when the statement may be
   * committed.
   */
  async advance(
    { results, due }: Batch,
    { claimedTo, claimTo, isEnding }: { claimedTo: number; claimTo: number; isEnding: boolean },
  ): Promise<Advanced | undefined> {
    const { token, lease } = this.#work;
    const advanced = await this.#attempt('a lease could not be advanced', async () =>
      advanceLease(this.#deps.db, token, {
        partitionStart: lease.partitionStart,
        startedAt: lease.startedAt,
        results,
        claimedTo,
        claimTo,
        isEnding,
        retries: due.map(({ deliveryNo }) => deliveryNo),
        now: await this.#deps.clock(),
      }),
    );
    if (advanced !== undefined) this.#backoffMs = 0;
    return advanced;
  }

  async writeBadTokens(badTokens: BadTokens): Promise<void> {
    const { token, lease } = this.#work;
    await this.#attempt('invalid tokens could not be deactivated', () =>
      badTokens.write((tokens) =>
        invalidateTokens(this.#deps.db, {
          pushNo: token.pushNo,
          partitionStart: lease.partitionStart,
          tokens,
        }),
      ),
    );
  }

  /** `answersMs` is how long answers may still come, null when none is outstanding. */
  async handOver(answersMs: number | null): Promise<void> {
    await this.#attempt('a lease could not be handed over', async () => {
      const now = await this.#deps.clock();
      const until = answersMs === null ? null : new Date(now.getTime() + answersMs);
      await handOverLease(this.#deps.db, this.#work.token, until);
    });
  }

  async #attempt<T>(failure: string, statement: () => Promise<T>): Promise<T | undefined> {
    try {
      return await statement();
    } catch (error) {
      const { pushNo, leaseNo } = this.#work.token;
      this.#deps.log.warn({ err: error, pushNo, leaseNo }, failure);
      this.#backoffMs = Math.min(BACKOFF.maxMs, this.#backoffMs * 2 + BACKOFF.firstMs);
      return undefined;
    }
  }
}
