import { nullable, oneOf, payloadReader, text, whole } from '../domain/payload.ts';
import { PUSH_STATUSES } from '../domain/tasks/task-status.ts';

/**
 * Payloads of the signals between workflows. Unknown members are left out, because a newer sender may add
 * some.
 */
export const readInstruction = payloadReader(
  { no: whole(), wanted: oneOf(['run', 'pause', 'cancel']) },
  'left out',
);

export const readOccurrence = payloadReader({ at: whole(), local: text(20), revision: whole() }, 'left out');

export const readReport = payloadReader(
  {
    pushId: text(),
    status: oneOf(PUSH_STATUSES),
    reason: nullable(text()),
    inFlight: whole(),
    obeyed: whole(),
  },
  'left out',
);
