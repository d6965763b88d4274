import type { Db } from '../../db/core/database.ts';
import { credentialRate, takeTokens, taskRate } from '../../db/ledger/rates.ts';
import type { Clock } from '../../domain/clock.ts';
import type { Channel } from '../../domain/platform.ts';

/** Keeps one lease to the rates of its task and of its credentials. */
export interface Pacer {
  /**
   * How many devices may be claimed now. The answer is 0 until the tokens that the lease waits for are
   * available.
   */
  claimable(requested: number): Promise<number>;
  /** Called when requests are written. The next grant settles the difference from the tokens taken before. */
  spend(channels: readonly Channel[]): void;
  /** Whether a rate limits the lease. */
  readonly isLimited: boolean;
  /** When `claimable` should be asked again, on the monotonic clock. */
  readonly nextAt: number;
}

export interface PacerArgs {
  readonly db: Db;
  readonly clock: Clock;
  readonly appId: string;
  readonly taskId: string;
  /** How many devices of the lease go through each channel. */
  readonly devices: ReadonlyMap<Channel, number>;
}

/** How long a rate takes to have an effect on a lease that had none. */
const UNLIMITED_MS = 250;

export function createPacer({ db, clock, appId, taskId, devices }: PacerArgs): Pacer {
  const total = [...devices.values()].reduce((sum, count) => sum + count, 0);
  const limits = [
    { key: taskRate(taskId), channel: null, share: 1, owed: 0 },
    ...[...devices].map(([channel, count]) => ({
      key: credentialRate(appId, channel),
      channel,
      share: total === 0 ? 0 : count / total,
      owed: 0,
    })),
  ];
  let reserved: { readonly count: number; readonly at: number } | undefined;
  let unlimitedUntil = 0;
  let isLimited = false;

  async function ask(requested: number): Promise<number> {
    const askedAt = performance.now();
    const grant = await takeTokens(db, { rates: limits, wish: requested, now: await clock() });
    for (const limit of limits) {
      const tokens = grant.tokens.get(limit.key);
      limit.owed = tokens === undefined ? 0 : limit.owed - tokens;
    }
    isLimited = grant.tokens.size > 0;
    if (!isLimited) unlimitedUntil = askedAt + UNLIMITED_MS;
    if (grant.waitMs < 1) return grant.count;
    reserved = { count: grant.count, at: askedAt + grant.waitMs };
    return 0;
  }

  return {
    async claimable(requested) {
      if (requested <= 0) return 0;
      if (reserved !== undefined) {
        if (performance.now() < reserved.at) return 0;
        const { count } = reserved;
        reserved = undefined;
        return Math.min(count, requested);
      }
      return performance.now() < unlimitedUntil ? requested : await ask(requested);
    },
    spend(channels) {
      if (performance.now() < unlimitedUntil) return;
      for (const limit of limits) {
        limit.owed += channels.filter(
          (channel) => limit.channel === null || channel === limit.channel,
        ).length;
      }
    },
    get isLimited() {
      return isLimited;
    },
    get nextAt() {
      return reserved?.at ?? Number.POSITIVE_INFINITY;
    },
  };
}
