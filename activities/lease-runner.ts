import { type Advanced, advanceLease, type Claimed } from '../db/advance.ts';
import { invalidateTokens } from '../db/invalid-tokens.ts';
import { handOverLease } from '../db/leases.ts';
import { LEASE_VALID_MS } from '../domain/lease-time.ts';
import type { Outcome } from '../domain/outcome.ts';
import { TOO_MANY_REJECTED } from '../domain/reasons.ts';
import { BadTokens } from './bad-tokens.ts';
import type { SenderDeps } from './deps.ts';
import { type Batch, isUnsent, LeaseBook } from './lease-book.ts';
import type { LeaseEnd, LeaseWork } from './lease-work.ts';
import { createWriter, type WriteMessages } from './message-writer.ts';
import { createRoom, type Room, WORTH_A_CLAIM } from './unwritten.ts';
import { createWake } from './wake.ts';

/** Devices of one lease whose answers are outstanding at most. */
const WINDOW = 512;
/** Until the first outcomes show that the tokens are not all wrong. */
const FIRST_WINDOW = 128;
/** While a push service takes nothing: what waits for it keeps the other leases of the process from claiming. */
const PROBING_WINDOW = 4;
/**
 * Fewer answers wait for others to come, but not longer than this: statistics are live. So many are not settled with
 * a claim, but after it: a claim keeps all other leases of the process waiting.
 */
const WORTH_A_SETTLE = 200;
const SETTLE_MS = 200;
/** An idle lease asks so often whether it still is, and so learns of a fence. */
const RENEW_MS = 300;
const IDLE_MS = 100;
/** A sender that was stopped waits so long for answers before it hands its lease over. */
const GRACE_MS = 400;
const STOPPING_MS = 20;
/** One that waits more than it sends makes way after this. */
const STAY_MS = 5_000;
/** Longer than any request's deadline. */
const DRAIN_MS = 15_000;
const MAX_BACKOFF_MS = 1000;
/** Claims, sends and settles one lease until it is done or somebody stops it. */
export class LeaseRunner {
  readonly #deps: SenderDeps;
  readonly #work: LeaseWork;
  readonly #book: LeaseBook;
  readonly #badTokens = new BadTokens();
  readonly #write: WriteMessages;
  readonly #wake = createWake();
  #mark: number;
  #outstanding = 0;
  #validUntil = 0;
  #end: LeaseEnd | undefined;
  readonly #startedAt = performance.now();
  #stoppedAt = 0;
  #backoff = 0;
  /** Kept by a claim under way, or by one that failed and may be committed. */
  readonly #room: Room;
  #settledAt = 0;
  /** Nothing is settled any more. */
  #isOver = false;
  /** A statement had no answer: it may be committed, and what it claimed was not written. The last one takes it back. */
  #isUnsure = false;
  /** The last request was given back unsent. */
  #isProbing = false;

  constructor(deps: SenderDeps, work: LeaseWork) {
    this.#deps = deps;
    this.#work = work;
    this.#book = new LeaseBook(work.lease.retries, work.resends);
    this.#mark = work.lease.mark;
    this.#room = createRoom(work.unwritten, this.#wake.ring);
    this.#write = createWriter(deps, work, {
      mayStart: this.#mayStart,
      isOver: () => this.#isOver,
      answered: (claimed, outcome) => this.#onOutcome(claimed, outcome),
    });
    work.signal.addEventListener('abort', () => this.#wake.ring(), { once: true });
  }

  /** Resolves when no more requests are started; answers may still be outstanding. */
  async run(): Promise<LeaseEnd> {
    for (;;) {
      await this.#step();
      if (this.#end !== undefined) {
        const isOver = this.#isSettled || performance.now() >= this.#stoppedAt + GRACE_MS;
        if (isOver) break;
      }
      await this.#wake.wait(this.#pauseMs);
    }
    this.#room.leave(0);
    await this.#deactivate();
    if (this.#end.kind !== 'done') await this.#handOver();
    return this.#end;
  }

  /** After `run`: resolves when every answer came, or its deadline passed, and all is written. */
  async drain(): Promise<void> {
    for (;;) {
      if (!this.#isSettled) await this.#step();
      await this.#deactivate();
      const isOver = this.#isSettled && this.#badTokens.areWritten;
      if (isOver || performance.now() >= this.#stoppedAt + DRAIN_MS) break;
      await this.#wake.wait(this.#pauseMs);
    }
    this.#isOver = true;
    this.#work.unwritten.free(this.#book.unsent);
  }

  get #isSettled(): boolean {
    return this.#outstanding === 0 && this.#book.results === 0 && !this.#isUnsure;
  }

  get #pauseMs(): number {
    if (this.#backoff > 0) return this.#backoff;
    if (this.#end !== undefined) return STOPPING_MS;
    // What may be tried again waits for the rate, too.
    const { nextAt } = this.#work.pacer;
    const next = Number.isFinite(nextAt) ? nextAt : this.#book.nextRetryAt;
    return Math.min(IDLE_MS, Math.max(1, next - performance.now()));
  }

  get #window(): number {
    if (this.#isProbing) return PROBING_WINDOW;
    return this.#work.rejections.areUnknown ? FIRST_WINDOW : WINDOW;
  }

  readonly #mayStart = (): boolean =>
    this.#end === undefined && !this.#work.signal.aborted && performance.now() < this.#validUntil;

  /** One round: claim what fits and write it, settle what was answered. */
  async #step(): Promise<void> {
    this.#judge();
    if (this.#end !== undefined && this.#isUnsure) this.#book.giveBackRetries();
    const unclaimed = this.#work.lease.to - this.#mark;
    const wish = Math.min(this.#window - this.#outstanding, unclaimed + this.#book.waiting);
    const room = this.#room.take(this.#end === undefined ? wish : 0);
    // What waits to be tried again is claimed already: an outage must not claim the rest, too.
    const fresh = Math.min(room - this.#book.waiting, unclaimed);
    const worth = fresh >= Math.min(WORTH_A_CLAIM, unclaimed) ? Math.max(0, fresh) : 0;
    const now = performance.now();
    const due = Math.min(room, this.#book.countDue(now));
    const granted = await this.#claimable(Math.min(room, due + worth));
    const retries = Math.min(due, granted);
    const count = Math.min(worth, granted - retries);
    const isBoth = count === 0 || this.#book.results < WORTH_A_SETTLE;
    const batch = isBoth ? this.#book.take(now, retries) : this.#book.takeRetries(now, retries);
    if (count > 0 || batch.due.length > 0 || this.#isDue(batch.results.length)) {
      await this.#advance(batch, this.#end === undefined ? this.#mark + count : this.#mark);
    } else {
      this.#book.notWritten(batch);
      if (this.#backoff === 0) this.#room.leave(0);
    }
    if (this.#end === undefined && this.#backoff === 0 && this.#areWorth(this.#book.results)) {
      await this.#advance(this.#book.take(performance.now(), 0), this.#mark);
    }
    this.#judge();
  }

  /** Whether a statement is called for that claims nothing. */
  #isDue(results: number): boolean {
    if (this.#end !== undefined) return results > 0 || this.#isUnsure;
    return this.#areWorth(results) || performance.now() > this.#validUntil - LEASE_VALID_MS + RENEW_MS;
  }

  #areWorth(results: number): boolean {
    const areLast = this.#outstanding === 0 && this.#mark === this.#work.lease.to;
    const areOld = performance.now() > this.#settledAt + SETTLE_MS;
    return results > 0 && (areLast || areOld || results >= WORTH_A_SETTLE);
  }

  #judge(): void {
    const { refusal } = this.#book;
    if (this.#work.signal.aborted) this.#finish({ kind: 'stopped' });
    if (refusal !== undefined) this.#finish({ kind: 'refused', reason: refusal });
    if (this.#work.rejections.areTooMany) {
      this.#finish({ kind: 'refused', reason: TOO_MANY_REJECTED });
    }
    if (this.#isSlow && this.#hasStayed && this.#work.isCrowded()) this.#finish({ kind: 'yielded' });
  }

  get #isSlow(): boolean {
    const isIdle = this.#outstanding === 0 && this.#book.waiting > 0;
    return this.#isProbing || isIdle || this.#work.pacer.isLimited;
  }

  get #hasStayed(): boolean {
    return performance.now() > this.#startedAt + STAY_MS;
  }

  #finish(end: LeaseEnd): void {
    if (this.#end !== undefined) return;
    this.#stoppedAt = performance.now();
    this.#end = end;
    for (const service of this.#work.services.values()) service.recheck();
  }

  async #claimable(room: number): Promise<number> {
    return (await this.#attempt('the rates could not be asked', () => this.#work.pacer.claimable(room))) ?? 0;
  }

  async #advance(batch: Batch, newMark: number): Promise<void> {
    const isEnding = this.#end !== undefined;
    const askedAt = performance.now();
    if (batch.results.length > 0) this.#settledAt = askedAt;
    const advanced = await this.#attempt('a lease could not be advanced', () =>
      this.#advanceLease(batch, newMark, isEnding),
    );
    this.#isUnsure = advanced === undefined || (this.#isUnsure && !isEnding);
    if (advanced === undefined) {
      this.#book.notWritten(batch);
      return;
    }
    this.#backoff = 0;
    this.#book.written(batch);
    this.#work.unwritten.free(batch.unsent);
    this.#room.leave(advanced.claimed.length);
    if (!advanced.held) this.#finish({ kind: 'lost' });
    else if (!advanced.open) this.#finish({ kind: 'stopped' });
    else {
      this.#validUntil = askedAt + LEASE_VALID_MS;
      this.#mark = newMark;
      this.#writeAll(advanced.claimed);
      if (advanced.done) this.#finish({ kind: 'done' });
    }
    await this.#writeBadTokens();
  }

  async #advanceLease({ due, results }: Batch, newMark: number, isEnding: boolean): Promise<Advanced> {
    const { token, lease } = this.#work;
    const { slot, startedAt } = lease;
    const now = await this.#deps.clock();
    const retries = due.map(({ n }) => n);
    const range = { slot, startedAt, mark: this.#mark, newMark };
    return await advanceLease(this.#deps.db, token, { ...range, isEnding, retries, results, now });
  }

  #writeAll(claimed: readonly Claimed[]): void {
    this.#work.pacer.spend(claimed.map(({ channel }) => channel));
    this.#outstanding += claimed.length;
    this.#write(claimed);
  }

  #onOutcome({ n, channel }: Claimed, outcome: Outcome): void {
    this.#outstanding--;
    if (outcome.kind !== 'not_started') this.#isProbing = isUnsent(outcome);
    this.#work.rejections.enter(channel, outcome);
    this.#badTokens.enter(n, channel, outcome);
    this.#book.enter(n, outcome, performance.now());
    this.#ringWhenWorth();
  }

  /** Both numbers pass every value on their way, so that each threshold rings once. */
  #ringWhenWorth(): void {
    const isRoomy = this.#outstanding === WINDOW - WORTH_A_CLAIM || this.#outstanding === 0;
    if (isRoomy || this.#book.results === WORTH_A_SETTLE) this.#wake.ring();
  }

  async #deactivate(): Promise<void> {
    this.#badTokens.judge((channel) => this.#work.rejections.areCredible(channel));
    await this.#writeBadTokens();
  }

  async #writeBadTokens(): Promise<void> {
    const { token, lease } = this.#work;
    await this.#attempt('invalid tokens could not be deactivated', () =>
      this.#badTokens.write((tokens) =>
        invalidateTokens(this.#deps.db, { pushNo: token.pushNo, slot: lease.slot, tokens }),
      ),
    );
  }

  async #handOver(): Promise<void> {
    await this.#attempt('a lease could not be handed over', async () => {
      const now = await this.#deps.clock();
      const until = this.#isSettled ? null : new Date(now.getTime() + DRAIN_MS);
      await handOverLease(this.#deps.db, this.#work.token, until);
    });
  }

  /** What fails is logged, and done again after a while; nothing ends the loop. */
  async #attempt<T>(failure: string, work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      const { pushNo, leaseNo } = this.#work.token;
      this.#deps.log.warn({ err: error, pushNo, leaseNo }, failure);
      this.#backoff = Math.min(MAX_BACKOFF_MS, this.#backoff * 2 + 50);
      return undefined;
    }
  }
}
