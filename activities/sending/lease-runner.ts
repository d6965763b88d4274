import type { Claimed } from '../../db/ledger/advance.ts';
import type { Channel } from '../../domain/platform.ts';
import { LEASE_VALID_MS } from '../../domain/pushes/lease-time.ts';
import type { Outcome } from '../../domain/pushes/outcome.ts';
import type { SenderDeps } from '../deps.ts';
import { createNotifier } from '../notifier.ts';
import { BadTokens } from './bad-tokens.ts';
import { HeldRefusals } from './held-refusals.ts';
import { createLeaseBudget, type LeaseBudget, MIN_CLAIM } from './in-flight-budget.ts';
import { type Batch, isUnsent, LeaseBook } from './lease-book.ts';
import { endOf } from './lease-end.ts';
import { LeaseStatements } from './lease-statements.ts';
import type { LeaseEnd, LeaseWork } from './lease-work.ts';
import { createWriter, type WriteMessages } from './message-writer.ts';
import {
  isWorthSettling,
  planRound,
  type RoundPlan,
  type RoundState,
  requestedDevices,
  SETTLE_BATCH,
  WINDOW,
} from './plan-round.ts';

const IDLE_MS = 100;
/** How long a stopped sender waits for answers before it hands over its lease. */
const GRACE_MS = 400;
const STOPPING_MS = 20;
/** Longer than the deadline of any request. */
const DRAIN_MS = 15_000;

/** Claims, sends and settles one lease until the lease is done or stopped. */
export class LeaseRunner {
  readonly #work: LeaseWork;
  readonly #statements: LeaseStatements;
  readonly #book: LeaseBook;
  readonly #badTokens = new BadTokens();
  readonly #held: HeldRefusals;
  readonly #write: WriteMessages;
  readonly #notifier = createNotifier();
  /** Held during a claim, and after a claim that failed and may be committed. */
  readonly #budget: LeaseBudget;
  /** The high-water mark: devices up to this number are claimed. */
  #claimedTo: number;
  #outstanding = 0;
  #validUntil = 0;
  #end: LeaseEnd | undefined;
  readonly #startedAt = performance.now();
  #stoppedAt = 0;
  #settledAt = 0;
  /** True once no result is settled any more. */
  #isOver = false;
  /**
   * True after a statement without an answer. The statement may be committed, although no device that it
   * claimed was written. The last statement of the lease takes the claim back.
   */
  #isUnsure = false;
  /** True while the last request was given back unsent. */
  #isProbing = false;

  constructor(deps: SenderDeps, work: LeaseWork) {
    this.#work = work;
    this.#statements = new LeaseStatements(deps, work);
    this.#book = new LeaseBook(work.lease.retries, work.resends);
    // Refused messages are not rejected tokens, and do not count towards the limit of these.
    this.#held = new HeldRefusals(work.refusals, (deliveryNo, outcome) =>
      this.#book.record(deliveryNo, outcome, performance.now()),
    );
    this.#claimedTo = work.lease.claimedTo;
    this.#budget = createLeaseBudget(work.budget, this.#notifier.notify);
    this.#write = createWriter(deps, work, {
      mayStart: this.#mayStart,
      isOver: () => this.#isOver,
      answered: (...answer) => this.#onOutcome(...answer),
    });
    work.signal.addEventListener('abort', () => this.#notifier.notify(), { once: true });
  }

  /** Resolves when no more requests are started. Answers may still be outstanding. */
  async run(): Promise<LeaseEnd> {
    for (;;) {
      await this.#step();
      if (this.#end !== undefined) {
        const isOver = this.#isSettled || performance.now() >= this.#stoppedAt + GRACE_MS;
        if (isOver) break;
      }
      await this.#notifier.wait(this.#pauseMs);
    }
    this.#budget.commit(0);
    await this.#deactivate();
    if (this.#end.kind !== 'done') await this.#statements.handOver(this.#isSettled ? null : DRAIN_MS);
    return this.#end;
  }

  /**
   * Called after `run`. Resolves when every answer came or its deadline passed, and all results are written.
   */
  async drain(): Promise<void> {
    for (;;) {
      if (!this.#isSettled) await this.#step();
      await this.#deactivate();
      const isOver = this.#isSettled && this.#badTokens.areWritten;
      if (isOver || performance.now() >= this.#stoppedAt + DRAIN_MS) break;
      await this.#notifier.wait(this.#pauseMs);
    }
    this.#isOver = true;
    this.#work.budget.release(this.#book.unsent);
  }

  get #isSettled(): boolean {
    return this.#outstanding === 0 && this.#book.results === 0 && this.#held.count === 0 && !this.#isUnsure;
  }

  get #pauseMs(): number {
    if (this.#statements.backoffMs > 0) return this.#statements.backoffMs;
    if (this.#end !== undefined) return STOPPING_MS;
    // Retries wait for the rates, too.
    const { nextAt } = this.#work.pacer;
    const next = Number.isFinite(nextAt) ? nextAt : this.#book.nextRetryAt;
    return Math.min(IDLE_MS, Math.max(1, next - performance.now()));
  }

  readonly #mayStart = (): boolean =>
    this.#end === undefined && !this.#work.signal.aborted && performance.now() < this.#validUntil;

  /** One round claims and writes the devices that fit, and settles the answers. */
  async #step(): Promise<void> {
    this.#held.judge(this.#hasNothingElse);
    this.#endIfNeeded();
    if (this.#end !== undefined) this.#held.putBack();
    if (this.#end !== undefined && this.#isUnsure) this.#book.settleRetries();
    const now = performance.now();
    const plan = await this.#plan(now);
    if (plan.settle !== 'no') {
      const isAfter = plan.settle === 'after';
      const batch = isAfter
        ? this.#book.drainRetries(now, plan.retries)
        : this.#book.drain(now, plan.retries);
      await this.#advance(batch, this.#claimedTo + plan.claim);
    } else if (this.#statements.backoffMs === 0) {
      this.#budget.commit(0);
    }
    await this.#settleRest();
    this.#endIfNeeded();
  }

  /** Whether every answer has come but those to messages that were refused. */
  get #hasNothingElse(): boolean {
    return this.#claimedTo >= this.#work.lease.to && this.#outstanding === 0 && this.#book.waiting === 0;
  }

  /** The round that the budget and the rates allow. */
  async #plan(now: number): Promise<RoundPlan> {
    const state = this.#stateAt(now);
    const reserved = this.#budget.reserve(requestedDevices(state));
    const wanted = planRound(state, { reserved, granted: Number.POSITIVE_INFINITY });
    const granted = await this.#statements.grant(wanted.claim + wanted.retries);
    return planRound(this.#stateAt(now), { reserved, granted });
  }

  /** Settles results that came during the claim, or that are too many to be settled with it. */
  async #settleRest(): Promise<void> {
    if (this.#end !== undefined || this.#statements.backoffMs > 0) return;
    const now = performance.now();
    if (isWorthSettling(this.#stateAt(now))) await this.#advance(this.#book.drain(now, 0), this.#claimedTo);
  }

  /** `now` is the start of the round, so retries that come due during the round wait for the next one. */
  #stateAt(now: number): RoundState {
    const current = performance.now();
    return {
      isEnding: this.#end !== undefined,
      isUnsure: this.#isUnsure,
      isProbing: this.#isProbing,
      areTokensUnknown: this.#work.rejections.areUnknown,
      outstanding: this.#outstanding,
      unclaimed: this.#work.lease.to - this.#claimedTo,
      waiting: this.#book.waiting,
      due: this.#book.countDue(now),
      results: this.#book.results,
      sinceSettledMs: current - this.#settledAt,
      sinceRenewedMs: current - (this.#validUntil - LEASE_VALID_MS),
    };
  }

  #endIfNeeded(): void {
    const end = endOf(this.#work, {
      isProbing: this.#isProbing,
      outstanding: this.#outstanding,
      waiting: this.#book.waiting,
      sinceStartMs: performance.now() - this.#startedAt,
    });
    if (end !== undefined) this.#finish(end);
  }

  #finish(end: LeaseEnd): void {
    if (this.#end !== undefined) return;
    this.#stoppedAt = performance.now();
    this.#end = end;
    for (const service of this.#work.services.values()) service.recheck();
  }

  async #advance(batch: Batch, claimTo: number): Promise<void> {
    const isEnding = this.#end !== undefined;
    const askedAt = performance.now();
    if (batch.results.length > 0) this.#settledAt = askedAt;
    const claimedTo = this.#claimedTo;
    const advanced = await this.#statements.advance(batch, { claimedTo, claimTo, isEnding });
    this.#isUnsure = advanced === undefined || (this.#isUnsure && !isEnding);
    if (advanced === undefined) {
      this.#book.restore(batch);
      return;
    }
    this.#book.commit(batch);
    this.#work.budget.release(batch.unsent);
    this.#budget.commit(advanced.claimed.length);
    if (!advanced.held) this.#finish({ kind: 'superseded' });
    else if (!advanced.open) this.#finish({ kind: 'stopped' });
    else {
      this.#validUntil = askedAt + LEASE_VALID_MS;
      this.#claimedTo = claimTo;
      this.#send(advanced.claimed);
      if (advanced.done) this.#finish({ kind: 'done' });
    }
    await this.#statements.writeBadTokens(this.#badTokens);
  }

  #send(claimed: readonly Claimed[]): void {
    this.#work.pacer.spend(claimed.map(({ channel }) => channel));
    this.#outstanding += claimed.length;
    this.#write(claimed);
  }

  #onOutcome({ deliveryNo, channel }: Claimed, outcome: Outcome, startedAt: number): void {
    this.#outstanding--;
    if (outcome.kind !== 'not_started') this.#isProbing = isUnsent(outcome);
    if (outcome.kind === 'accepted') this.#work.refusals.accepted(channel, startedAt);
    if (outcome.kind === 'refused' && this.#end === undefined) this.#held.hold(deliveryNo, channel, outcome);
    else this.#settle(deliveryNo, channel, outcome);
    this.#notifyAtThreshold();
  }

  #settle(deliveryNo: number, channel: Channel, outcome: Outcome): void {
    this.#work.rejections.record(channel, outcome);
    this.#badTokens.record(deliveryNo, channel, outcome);
    this.#book.record(deliveryNo, outcome, performance.now());
  }

  /** Both numbers change in steps of one, so that each threshold notifies once. */
  #notifyAtThreshold(): void {
    const hasRoom = this.#outstanding === WINDOW - MIN_CLAIM || this.#outstanding === 0;
    if (hasRoom || this.#book.results === SETTLE_BATCH) this.#notifier.notify();
  }

  async #deactivate(): Promise<void> {
    this.#badTokens.judge((channel) => this.#work.rejections.areCredible(channel));
    await this.#statements.writeBadTokens(this.#badTokens);
  }
}
