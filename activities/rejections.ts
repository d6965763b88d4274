import type { Outcome } from '../domain/outcome.ts';

/** How a push fares with the tokens of its audience, over all its leases in this process. */
export interface Rejections {
  enter(outcome: Outcome): void;
  /** Too few outcomes to tell: many requests at once could all fail the same way. */
  readonly areUnknown: boolean;
  /** So many of the first ones are rejected that the environment or the credential is wrong, not the tokens. */
  readonly areTooMany: boolean;
  /** Whether a doubtful token may be believed to be a bad one. */
  readonly areCredible: boolean;
}

const TOO_MANY = { least: 200, first: 5000, share: 0.5 };
const CREDIBLE_SHARE = 0.2;
/** Pushes that are remembered; the oldest is forgotten first. */
const REMEMBERED = 500;

/** `isTrusted`: somebody has seen the push stop for this and resumed it. */
export function createRejections(): (pushNo: number, isTrusted: boolean) => Rejections {
  const pushes = new Map<string, { settled: number; rejected: number; doubtful: number }>();
  return (pushNo, isTrusted) => {
    const key = `${pushNo} ${isTrusted}`;
    const count = pushes.get(key) ?? { settled: 0, rejected: 0, doubtful: 0 };
    pushes.set(key, count);
    const [oldest] = pushes.keys();
    if (pushes.size > REMEMBERED && oldest !== undefined) pushes.delete(oldest);
    return {
      enter(outcome) {
        if (outcome.kind !== 'accepted' && outcome.kind !== 'rejected') return;
        count.settled++;
        if (outcome.kind === 'rejected') count.rejected++;
        if (outcome.kind === 'rejected' && outcome.token === 'doubtful') count.doubtful++;
      },
      get areUnknown() {
        return !isTrusted && count.settled < TOO_MANY.least;
      },
      get areTooMany() {
        const isEarly = count.settled >= TOO_MANY.least && count.settled <= TOO_MANY.first;
        return !isTrusted && isEarly && count.rejected > count.settled * TOO_MANY.share;
      },
      get areCredible() {
        return isTrusted || count.doubtful <= count.settled * CREDIBLE_SHARE;
      },
    };
  };
}
