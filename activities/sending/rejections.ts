import type { Channel } from '../../domain/platform.ts';
import type { Outcome } from '../../domain/pushes/outcome.ts';
import { createPerPush } from './per-push.ts';

/** How many tokens of a push's audience are rejected, over all its leases in this process. */
export interface Rejections {
  record(channel: Channel, outcome: Outcome): void;
  /** True while too few outcomes are known. Many requests at once could all fail the same way. */
  readonly areUnknown: boolean;
  /**
   * True when the share of rejected tokens among a channel's first requests shows that the environment or the
   * credential is wrong, not the tokens.
   */
  readonly areTooMany: boolean;
  /** Whether a doubtful token of the channel may be believed to be a bad one. */
  areCredible(channel: Channel): boolean;
}

/**
 * A stale list holds many tokens of uninstalled apps. Doubtful tokens hint at a credential of another app.
 */
const TOO_MANY = {
  least: 200,
  first: 5000,
  share: 0.5,
  doubtfulShare: 0.2,
};

interface Tally {
  settled: number;
  rejected: number;
  doubtful: number;
}

/** `isTrusted` when a person has seen the push stop for its rejections and resumed it. */
export function createRejections(): (pushNo: number, isTrusted: boolean) => Rejections {
  const channelsOf = createPerPush(() => new Map<Channel, Tally>());
  return (pushNo, isTrusted) => {
    const channels = channelsOf(`${pushNo} ${isTrusted}`);
    return {
      record(channel, outcome) {
        if (outcome.kind !== 'accepted' && outcome.kind !== 'rejected') return;
        const tally = channels.get(channel) ?? { settled: 0, rejected: 0, doubtful: 0 };
        channels.set(channel, tally);
        tally.settled++;
        if (outcome.kind === 'rejected') tally.rejected++;
        if (outcome.kind === 'rejected' && outcome.token === 'doubtful') tally.doubtful++;
      },
      get areUnknown() {
        return (
          !isTrusted && [...channels.values()].reduce((all, { settled }) => all + settled, 0) < TOO_MANY.least
        );
      },
      get areTooMany() {
        return !isTrusted && [...channels.values()].some(isTooMany);
      },
      areCredible(channel) {
        const tally = channels.get(channel);
        return isTrusted || tally === undefined || !isDoubted(tally);
      },
    };
  };
}

function isTooMany(tally: Tally): boolean {
  const { settled, rejected } = tally;
  const isEarly = settled >= TOO_MANY.least && settled <= TOO_MANY.first;
  return isEarly && (rejected > settled * TOO_MANY.share || isDoubted(tally));
}

function isDoubted({ settled, doubtful }: Tally): boolean {
  return doubtful > settled * TOO_MANY.doubtfulShare;
}
