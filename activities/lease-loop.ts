import { type Advanced, advanceLease, type Claimed } from '../db/advance.ts';
import { invalidateTokens } from '../db/invalid-tokens.ts';
import { handOverLease, type LeaseToken, type TakenLease } from '../db/leases.ts';
import type { Content } from '../domain/content.ts';
import { encodeMessageId } from '../domain/message-id.ts';
import type { Outcome } from '../domain/outcome.ts';
import type { Channel } from '../domain/platform.ts';
import type { PushService } from '../providers/push-service.ts';
import type { SenderDeps } from './deps.ts';
import {
  type Batch,
  emptyBook,
  enter,
  nextRetryAt,
  notWritten,
  takeBatch,
  waitingRetries,
  written,
} from './lease-book.ts';
import type { Pacer } from './pacer.ts';
import type { Unwritten } from './unwritten.ts';
import { createWake } from './wake.ts';

export interface LeaseWork {
  readonly token: LeaseToken;
  readonly lease: TakenLease;
  readonly collapseId: string;
  readonly content: Content;
  readonly services: ReadonlyMap<Channel, PushService>;
  readonly pacer: Pacer;
  /** Shared by all leases of the process. */
  readonly unwritten: Unwritten;
  /** Set once the activity is to stop: paused, cancelled, or the worker shuts down. */
  readonly signal: AbortSignal;
  readonly heartbeat: () => void;
}

export type LeaseEnd =
  | { readonly kind: 'done' | 'stopped' | 'lost' }
  | { readonly kind: 'refused'; readonly reason: string };

export interface LeaseRun {
  /** The sender starts no more requests. */
  readonly stopped: Promise<LeaseEnd>;
  /** Every answer came, or its deadline passed, and all is written. */
  readonly drained: Promise<void>;
}

/** Devices that one lease has marked in flight at most. */
const WINDOW = 128;
/** After a successful statement the lease is surely ours for so long; below the heartbeat timeout of 5 s. */
const VALID_MS = 3000;
const RENEW_MS = 1000;
const IDLE_MS = 100;
/** Until somebody else of the process has written something. */
const CROWDED_MS = 5;
/** A sender that was stopped waits so long for answers before it hands its lease over. */
const GRACE_MS = 400;
/** Longer than any request's deadline. */
const DRAIN_MS = 15_000;
const MAX_BACKOFF_MS = 1000;
/** So many rejected of the first ones mean a wrong environment or credential, not stale tokens. */
const SUSPECT = { settled: 500, share: 0.5 };

/** Claims, sends and settles until the lease is done or somebody stops it. */
export function startLease(deps: SenderDeps, work: LeaseWork): LeaseRun {
  const { lease, token, signal } = work;
  const { slot } = lease;
  const book = emptyBook(lease.retries);
  const wake = createWake();
  const noService: Outcome = {
    kind: 'refused',
    fault: 'credential',
    reason: 'no credential for this channel',
  };
  let mark = lease.mark;
  let outstanding = 0;
  let validUntil = 0;
  let end: LeaseEnd | undefined;
  let stoppedAt = 0;
  let backoff = 0;
  /** Held of what the process may have unwritten: by a claim under way, or one that failed and may be committed. */
  let taken = 0;
  let isCrowded = false;

  const mayStart = () => end === undefined && !signal.aborted && performance.now() < validUntil;

  function finish(outcome: LeaseEnd): void {
    if (end !== undefined) return;
    stoppedAt = performance.now();
    end = outcome;
    for (const service of work.services.values()) service.recheck();
  }

  function write(claimed: Claimed): void {
    outstanding++;
    const service = work.services.get(claimed.channel);
    const ref = { pushNo: token.pushNo, n: claimed.n };
    const messageId = encodeMessageId(deps.messageMac, ref);
    const to = { token: claimed.token, messageId, collapseId: work.collapseId };
    const leave = once(() => work.unwritten.free(1));
    const start = () => {
      if (!mayStart()) return false;
      leave();
      return true;
    };
    const answer = service?.send(work.content, to, start) ?? Promise.resolve(noService);
    void answer.then((outcome) => {
      outstanding--;
      leave();
      enter(book, claimed.n, outcome, performance.now());
      if (outstanding <= WINDOW / 2) wake.ring();
    });
  }

  async function advance(batch: Batch, newMark: number): Promise<void> {
    const askedAt = performance.now();
    let advanced: Advanced;
    try {
      const retries = batch.due.map(({ n }) => n);
      const now = await deps.clock();
      const range = { slot, mark, newMark, retries, results: batch.results, now };
      advanced = await advanceLease(deps.db, token, range);
      backoff = 0;
    } catch (error) {
      deps.log.warn(
        { err: error, pushNo: token.pushNo, leaseNo: token.leaseNo },
        'a lease could not be advanced',
      );
      notWritten(book, batch);
      backoff = Math.min(MAX_BACKOFF_MS, backoff * 2 + 50);
      return;
    }
    written(book, batch);
    leaveRoom(advanced.claimed.length);
    if (!advanced.held) return finish({ kind: 'lost' });
    if (!advanced.open) return finish({ kind: 'stopped' });
    validUntil = askedAt + VALID_MS;
    mark = newMark;
    work.pacer.spend(advanced.claimed.map(({ channel }) => channel));
    for (const claimed of advanced.claimed) write(claimed);
    if (advanced.done) finish({ kind: 'done' });
    await invalidateTokens(deps.db, { pushNo: token.pushNo, slot, tokens: batch.invalid }).catch(
      (error: unknown) => deps.log.warn({ err: error }, 'invalid tokens could not be deactivated'),
    );
  }

  async function claimable(wish: number): Promise<number> {
    try {
      return await work.pacer.claimable(wish);
    } catch (error) {
      deps.log.warn({ err: error, pushNo: token.pushNo }, 'the rates could not be asked');
      backoff = Math.min(MAX_BACKOFF_MS, backoff * 2 + 50);
      return 0;
    }
  }

  function judge(): void {
    if (signal.aborted) finish({ kind: 'stopped' });
    if (book.refusal !== undefined) finish({ kind: 'refused', reason: book.refusal });
    const isSuspect = book.settled >= SUSPECT.settled && book.rejected > book.settled * SUSPECT.share;
    if (isSuspect && token.epoch === 1) finish({ kind: 'refused', reason: 'too many tokens were rejected' });
  }

  function pauseLength(): number {
    if (backoff > 0) return backoff;
    if (isCrowded) return CROWDED_MS;
    if (end !== undefined) return Math.min(IDLE_MS, 20);
    const next = Math.min(nextRetryAt(book), work.pacer.nextAt);
    return Math.min(IDLE_MS, Math.max(1, next - performance.now()));
  }

  function takeRoom(wish: number): number {
    taken += work.unwritten.take(Math.max(0, wish - taken));
    isCrowded = wish > 0 && taken === 0;
    return Math.min(wish, taken);
  }

  function leaveRoom(used: number): void {
    work.unwritten.free(taken - used);
    taken = 0;
  }

  async function step(): Promise<void> {
    judge();
    const room = takeRoom(end === undefined ? WINDOW - outstanding : 0);
    // What waits to be tried again is claimed already: an outage must not claim the rest, too.
    const fresh = room - waitingRetries(book);
    const count = fresh >= WINDOW / 2 ? await claimable(Math.min(fresh, lease.to - mark)) : 0;
    const batch = takeBatch(book, performance.now(), room - count);
    const isDue = performance.now() > validUntil - VALID_MS + RENEW_MS;
    if (count > 0 || batch.results.length > 0 || batch.due.length > 0 || (end === undefined && isDue)) {
      await advance(batch, end === undefined ? mark + count : mark);
    } else {
      notWritten(book, batch);
      if (backoff === 0) leaveRoom(0);
    }
    work.heartbeat();
    judge();
  }

  const isSettled = () => outstanding === 0 && book.results.length === 0;

  async function run(): Promise<LeaseEnd> {
    while (end === undefined || (!isSettled() && performance.now() < stoppedAt + GRACE_MS)) {
      await step();
      if (end === undefined || !isSettled()) await wake.wait(pauseLength());
    }
    if (!isSettled()) await handOver();
    return end;
  }

  async function handOver(): Promise<void> {
    const until = new Date((await deps.clock()).getTime() + DRAIN_MS);
    await handOverLease(deps.db, token, until);
  }

  async function drain(): Promise<void> {
    while (!isSettled() && performance.now() < stoppedAt + DRAIN_MS) {
      await step();
      if (!isSettled()) await wake.wait(pauseLength());
    }
    leaveRoom(0);
  }

  const onAbort = () => wake.ring();
  signal.addEventListener('abort', onAbort, { once: true });
  const stopped = run();
  return { stopped, drained: stopped.then(drain) };
}

function once(act: () => void): () => void {
  let isDone = false;
  return () => {
    if (!isDone) act();
    isDone = true;
  };
}
