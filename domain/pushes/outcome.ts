/**
 * What a push service made of one request.
 * - accepted: it took the message.
 * - rejected: it will never deliver to this token. `gone`: the app was removed or the token replaced; `staleSince`
 *   is the service's own timestamp where it gives one. `doubtful`: many of these mean a wrong environment or credential.
 *   `good`: the token is not at fault, the message for this device is.
 * - refused: the request or the credential is wrong; every other message of the push would fare the same.
 * - retry_later: surely not processed; `answered` when the service itself refused the attempt.
 * - ambiguous: the request was written and no answer came.
 * - not_started: somebody stopped it before it was written.
 */
export type Outcome =
  | { readonly kind: 'accepted' }
  | {
      readonly kind: 'rejected';
      readonly reason: string;
      readonly token: 'gone' | 'doubtful' | 'good';
      readonly staleSince?: Date;
    }
  | { readonly kind: 'refused'; readonly reason: string; readonly fault: 'request' | 'credential' }
  | {
      readonly kind: 'retry_later';
      readonly reason: string;
      readonly afterMs: number;
      readonly answered: boolean;
    }
  | { readonly kind: 'ambiguous'; readonly reason: string }
  | { readonly kind: 'not_started' };
