import type { Claimed } from '../../db/ledger/advance.ts';
import type { Outcome } from '../../domain/pushes/outcome.ts';
import { encodeMessageIds } from '../../domain/receipts/message-id.ts';
import type { SenderDeps } from '../deps.ts';
import { isUnsent } from './lease-book.ts';
import type { LeaseWork } from './lease-work.ts';

/** Hands the message of each device to its push service. */
export type WriteMessages = (claimed: readonly Claimed[]) => void;

interface Writing {
  /** Asked before each request. */
  readonly mayStart: () => boolean;
  /** True once requests that are given back are not settled any more. */
  readonly isOver: () => boolean;
  /** `startedAt` is when the request was written, on the monotonic clock. */
  readonly answered: (claimed: Claimed, outcome: Outcome, startedAt: number) => void;
}

const NO_SERVICE: Outcome = {
  kind: 'refused',
  fault: 'credential',
  reason: 'no credential for this channel',
};
/** The outcome after an error of the sender itself, which may have written the request. */
const BROKEN: Outcome = { kind: 'ambiguous', reason: 'SenderFault' };

export function createWriter(
  { messageMac, log }: SenderDeps,
  work: LeaseWork,
  { mayStart, isOver, answered }: Writing,
): WriteMessages {
  const { collapseId, services, messages, budget } = work;
  const { pushNo } = work.token;

  function write(claimed: Claimed, messageId: string): void {
    const { token, channel, variant, variables } = claimed;
    const filled = variant === null ? undefined : messages(variant, variables);
    const reservation = budget.reservation();
    let startedAt = 0;
    const started = () => {
      startedAt = performance.now();
      reservation.release();
    };
    const gate = { mayStart, started, putBack: reservation.reclaim };
    const settle = (outcome: Outcome) => {
      if (isUnsent(outcome) && !isOver()) reservation.reclaim();
      else reservation.release();
      answered(claimed, outcome, startedAt);
    };
    const answer =
      filled?.ok === false
        ? Promise.resolve(unfilled(filled.reason))
        : (services
            .get(channel)
            ?.send(filled?.message ?? work.message, { token, messageId, collapseId }, gate) ??
          Promise.resolve(NO_SERVICE));
    void answer.then(settle, (error: unknown) => {
      log.error({ err: error, pushNo }, 'a message could not be handed to its push service');
      settle(BROKEN);
    });
  }

  return (claimed) => {
    const ids = encodeMessageIds(
      messageMac,
      pushNo,
      claimed.map(({ deliveryNo }) => deliveryNo),
    );
    for (const [i, messageId] of ids.entries()) {
      const each = claimed[i];
      if (each !== undefined) write(each, messageId);
    }
  };
}

/** The outcome for a device whose message cannot be made. Its token is not at fault. */
function unfilled(reason: string): Outcome {
  return { kind: 'rejected', reason, token: 'good' };
}
