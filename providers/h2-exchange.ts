import type { ClientHttp2Stream, IncomingHttpHeaders } from 'node:http2';

export interface H2Request {
  readonly path: string;
  /** Names and values in turn, as node:http2 takes them without copying. */
  readonly headers: readonly string[];
  readonly body: string;
}

/**
 * - answer: the service decided. The body of a 200 is not kept.
 * - unprocessed: the service surely did not handle the request.
 * - lost: it was written, and whether it was handled is unknown.
 * - not_started: `mayStart` said no.
 */
export type Answer =
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly headers: IncomingHttpHeaders;
      readonly body: Buffer;
    }
  | { readonly kind: 'unprocessed'; readonly reason: UnprocessedReason; readonly afterMs: number }
  | { readonly kind: 'lost'; readonly reason: LostReason }
  | { readonly kind: 'not_started' };

export type UnprocessedReason =
  | 'StreamRefused'
  | 'GoingAway'
  | 'Unreachable'
  | 'QueueTimeout'
  | 'AnswerCut'
  | 'Closing';
export type LostReason = 'Timeout' | 'StreamReset' | 'ConnectionLost';

/** What became of a stream that closed without a complete answer. */
export type Fate =
  | { readonly kind: 'unprocessed'; readonly reason: UnprocessedReason }
  | { readonly kind: 'lost'; readonly reason: LostReason };

/** One request on its way through the pool. */
export class Exchange {
  readonly request: H2Request;
  readonly mayStart: () => boolean;
  readonly queuedAt: number;
  startedAt = 0;
  attempts = 0;
  /** The status of an answer other than 200 whose body has not ended. */
  refusedWith: number | undefined = undefined;
  stream: ClientHttp2Stream | undefined = undefined;
  #resolve: ((answer: Answer) => void) | undefined;

  constructor(
    request: H2Request,
    mayStart: () => boolean,
    queuedAt: number,
    resolve: (answer: Answer) => void,
  ) {
    this.request = request;
    this.mayStart = mayStart;
    this.queuedAt = queuedAt;
    this.#resolve = resolve;
  }

  get settled(): boolean {
    return this.#resolve === undefined;
  }

  settle(answer: Answer): void {
    this.#resolve?.(answer);
    this.#resolve = undefined;
  }
}
