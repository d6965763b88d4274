import type { RequestHead } from '../connection/request-head.ts';
import type { Gate } from '../push-service.ts';

export interface H2Request {
  /** The same object for all requests that share it. */
  readonly head: RequestHead;
  readonly path: string;
  readonly body: string;
}

/**
 * - answer: the service decided. The body of a 200 is not kept.
 * - unprocessed: the service certainly did not process the request.
 * - unknown: the request was written, and may have been processed.
 * - not_started: the gate was closed.
 */
export type Answer =
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly retryAfter: string | undefined;
      readonly body: Buffer;
    }
  | { readonly kind: 'unprocessed'; readonly reason: UnprocessedReason; readonly afterMs: number }
  | { readonly kind: 'unknown'; readonly reason: UnknownReason }
  | { readonly kind: 'not_started' };

export type UnprocessedReason =
  | 'StreamRefused'
  | 'GoingAway'
  | 'Unreachable'
  | 'QueueTimeout'
  | 'AnswerCut'
  | 'Closing';
export type UnknownReason = 'Timeout' | 'StreamReset' | 'ConnectionLost';

/** The result of a stream that closed without a complete answer. */
export type Failure =
  | { readonly kind: 'unprocessed'; readonly reason: UnprocessedReason }
  | { readonly kind: 'unknown'; readonly reason: UnknownReason };

const NO_BODY: Buffer = Buffer.alloc(0);
const ACCEPTED: Answer = { kind: 'answer', status: 200, retryAfter: undefined, body: NO_BODY };

/** One request on its way through the pool. */
export class Exchange {
  readonly request: H2Request;
  readonly gate: Gate;
  readonly queuedAt: number;
  startedAt = 0;
  attempts = 0;
  settled = false;
  /** The status of an answer whose body has not ended. 0 before the headers have come. */
  status = 0;
  #bodyBytes = 0;
  #retryAfter: string | undefined = undefined;
  #contentLength: number | undefined = undefined;
  #body = NO_BODY;
  readonly #resolve: (answer: Answer) => void;

  constructor(request: H2Request, gate: Gate, queuedAt: number, resolve: (answer: Answer) => void) {
    this.request = request;
    this.gate = gate;
    this.queuedAt = queuedAt;
    this.#resolve = resolve;
  }

  begin(status: number, retryAfter: string | undefined, contentLength: number | undefined): void {
    this.status = status;
    this.#retryAfter = retryAfter;
    this.#contentLength = contentLength;
  }

  /** Whether the body has the length that the answer announced. */
  get isWhole(): boolean {
    return this.#contentLength === undefined || this.#contentLength === this.#bodyBytes;
  }

  /** Adds to the body and returns the new length. */
  add(buffer: Buffer, start: number, end: number): number {
    this.#bodyBytes += end - start;
    if (this.status !== 200) this.#body = Buffer.concat([this.#body, buffer.subarray(start, end)]);
    return this.#bodyBytes;
  }

  answer(): void {
    const { status } = this;
    if (status === 200) this.settle(ACCEPTED);
    else this.settle({ kind: 'answer', status, retryAfter: this.#retryAfter, body: this.#body });
  }

  settle(answer: Answer): void {
    if (this.settled) return;
    this.settled = true;
    this.#resolve(answer);
  }
}
