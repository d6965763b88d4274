import type { Claimed } from '../db/advance.ts';
import { encodeMessageIds } from '../domain/message-id.ts';
import type { Outcome } from '../domain/outcome.ts';
import type { SenderDeps } from './deps.ts';
import { isUnsent } from './lease-book.ts';
import type { LeaseWork } from './lease-work.ts';

/** Hands the message of each device to its push service. */
export type WriteMessages = (claimed: readonly Claimed[]) => void;

interface Writing {
  /** Asked before each request. */
  readonly mayStart: () => boolean;
  /** Nobody settles any more what is given back. */
  readonly isOver: () => boolean;
  readonly answered: (claimed: Claimed, outcome: Outcome) => void;
}

const NO_SERVICE: Outcome = {
  kind: 'refused',
  fault: 'credential',
  reason: 'no credential for this channel',
};
/** An error of our own: whether it was written is not known. */
const BROKEN: Outcome = { kind: 'ambiguous', reason: 'SenderFault' };

export function createWriter(
  { messageMac, log }: SenderDeps,
  work: LeaseWork,
  { mayStart, isOver, answered }: Writing,
): WriteMessages {
  const { collapseId, services, messages, unwritten } = work;
  const { pushNo } = work.token;

  function write(claimed: Claimed, messageId: string): void {
    const { token, channel, variant, variables } = claimed;
    const filled = variant === null ? undefined : messages(variant, variables);
    const leaving = unwritten.leaving();
    const gate = { mayStart, started: leaving.left, putBack: leaving.returned };
    const enter = (outcome: Outcome) => {
      if (isUnsent(outcome) && !isOver()) leaving.returned();
      else leaving.left();
      answered(claimed, outcome);
    };
    const answer =
      filled?.ok === false
        ? Promise.resolve(unfilled(filled.reason))
        : (services
            .get(channel)
            ?.send(filled?.message ?? work.message, { token, messageId, collapseId }, gate) ??
          Promise.resolve(NO_SERVICE));
    void answer.then(enter, (error: unknown) => {
      log.error({ err: error, pushNo }, 'a message could not be handed to its push service');
      enter(BROKEN);
    });
  }

  return (claimed) => {
    const ids = encodeMessageIds(
      messageMac,
      pushNo,
      claimed.map(({ n }) => n),
    );
    for (const [i, messageId] of ids.entries()) {
      const each = claimed[i];
      if (each !== undefined) write(each, messageId);
    }
  };
}

/** The message for one device cannot be made; its token is not at fault. */
function unfilled(reason: string): Outcome {
  return { kind: 'rejected', reason, token: 'good' };
}
