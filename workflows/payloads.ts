import { anyText, nullable, oneOf, payloadReader, whole } from '../domain/payload.ts';
import { PUSH_STATUSES } from '../domain/task-status.ts';

/** What the signals between workflows carry. */
export const readInstruction = payloadReader({ no: whole(), wanted: oneOf(['run', 'pause', 'cancel']) });

export const readDue = payloadReader({ at: whole(), local: anyText, revision: whole() });

export const readReport = payloadReader({
  pushId: anyText,
  status: oneOf(PUSH_STATUSES),
  reason: nullable(anyText),
  inFlight: whole(),
  obeyed: whole(),
});
