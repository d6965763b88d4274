import type { Outcome } from '../domain/pushes/outcome.ts';
import { retryAfterMs } from '../domain/retry-after.ts';
import type { Clock } from './clock.ts';
import type { Answer } from './h2/h2-exchange.ts';
import type { HoldOff } from './h2/hold-off.ts';

/** The meaning of an answer of a push service. The tables of each service are made of verdicts. */
export type Verdict =
  | { readonly kind: 'rejected'; readonly token: 'gone' | 'doubtful' }
  | { readonly kind: 'refused'; readonly fault: 'message' | 'credential' }
  | { readonly kind: 'ambiguous' }
  | {
      readonly kind: 'retry_later';
      readonly afterMs: number;
      /** Whether the answer holds back every other request of the credential, too. */
      readonly holdsAll: 'never' | 'if_told' | 'always';
    };

export const GONE_TOKEN: Verdict = { kind: 'rejected', token: 'gone' };
/** The token is bad, or the environment, the topic or the project of the credential is not the app's. */
export const DOUBTFUL_TOKEN: Verdict = { kind: 'rejected', token: 'doubtful' };
/** The answer speaks of one message. Its token, the request or the credential may be at fault. */
export const BAD_MESSAGE: Verdict = { kind: 'refused', fault: 'message' };
/** The answer names the credential. */
export const BAD_CREDENTIAL: Verdict = { kind: 'refused', fault: 'credential' };
/** A fault of the service. `afterMs` is only the least wait, and the caller backs off further. */
export const TRANSIENT: Verdict = { kind: 'retry_later', afterMs: 2_000, holdsAll: 'if_told' };

/** An undocumented status. A proxy before the service answered, and the service may have the message. */
export const UNDOCUMENTED: Verdict = { kind: 'ambiguous' };

/** Proxies answer so when their wait for the service ends, and the service may have the message. */
const OF_PROXIES: ReadonlySet<number> = new Set([408, 499]);

/** The verdict for a status whose reason the service's table does not know. */
export function verdictOfStatus(status: number, known: ReadonlyMap<number, Verdict>): Verdict {
  const isRefusal = status >= 400 && status < 500 && !OF_PROXIES.has(status);
  return known.get(status) ?? (isRefusal ? BAD_MESSAGE : UNDOCUMENTED);
}

export interface Reading {
  readonly verdict: Verdict;
  readonly reason: string;
  readonly staleSince?: Date;
}

export type ServiceAnswer = Extract<Answer, { kind: 'answer' }>;

/** Turns the answer to a message for `token` into an outcome. `read` looks up the service's own reason in its table. */
export function outcomeOf(
  answer: Answer,
  read: (answer: ServiceAnswer) => Reading,
  { holdOff, clock }: { readonly holdOff: HoldOff; readonly clock: Clock },
  token: string,
): Outcome {
  switch (answer.kind) {
    case 'answer':
      if (answer.status === 200) return { kind: 'accepted' };
      return judge(read(answer), retryAfterMs(answer.retryAfter, clock()), holdOff, token);
    case 'unprocessed':
      return { kind: 'retry_later', reason: answer.reason, afterMs: answer.afterMs, answered: false };
    case 'unknown':
      return { kind: 'ambiguous', reason: answer.reason };
    case 'not_started':
      return holdOff.active ? holdOff.outcome : answer;
  }
}

function judge(
  { verdict, reason, staleSince }: Reading,
  told: number | undefined,
  holdOff: HoldOff,
  token: string,
): Outcome {
  switch (verdict.kind) {
    case 'rejected':
      return { ...verdict, reason, ...(staleSince === undefined ? {} : { staleSince }) };
    case 'refused':
    case 'ambiguous':
      return { ...verdict, reason };
    case 'retry_later': {
      const afterMs = told ?? verdict.afterMs;
      const holds = verdict.holdsAll === 'always' || (verdict.holdsAll === 'if_told' && told !== undefined);
      if (holds) holdOff.extend(token, reason, afterMs);
      return { kind: 'retry_later', reason, afterMs, answered: true };
    }
  }
}

/** The JSON of an answer's body. Undefined when the body is not JSON. */
export function jsonBody(answer: ServiceAnswer): unknown {
  try {
    return JSON.parse(answer.body.toString('utf8'));
  } catch {
    return undefined;
  }
}

/** Longer than any documented reason. */
const REASON = /^[\w .:-]{1,64}$/;

/** The service's own reason. A text that is no code, which a proxy may send, gives way to the status. */
export function reasonOr(status: number, reason: string | undefined): string {
  return reason !== undefined && REASON.test(reason) ? reason : `HTTP ${status}`;
}
