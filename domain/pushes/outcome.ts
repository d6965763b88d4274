/**
 * The outcome of one request to a push service.
 * - accepted: the service took the message.
 * - rejected: the service will never deliver to this token. `gone`: the app was removed or the token
 *   replaced. `staleSince` is the service's own timestamp, if any. `doubtful`: many of these mean a wrong
 *   environment or credential. `good`: the token is valid, and the message for this device is at fault.
 * - refused: the service refused the message. `credential`: the answer names the credential, and no single
 *   device can cause it. `message`: the answer speaks of this message, and its token, the request or the
 *   credential may be at fault. The answers to other messages tell which.
 * - retry_later: the request was not processed. `answered`: the service itself refused the attempt.
 * - ambiguous: the request was written and no answer came.
 * - not_started: the request was stopped before it was written.
 */
export type Outcome =
  | { readonly kind: 'accepted' }
  | {
      readonly kind: 'rejected';
      readonly reason: string;
      readonly token: 'gone' | 'doubtful' | 'good';
      readonly staleSince?: Date;
    }
  | { readonly kind: 'refused'; readonly reason: string; readonly fault: 'message' | 'credential' }
  | {
      readonly kind: 'retry_later';
      readonly reason: string;
      readonly afterMs: number;
      readonly answered: boolean;
    }
  | { readonly kind: 'ambiguous'; readonly reason: string }
  | { readonly kind: 'not_started' };
