import type { Message } from '../domain/content.ts';
import type { Outcome } from '../domain/outcome.ts';

/** One device that a message is addressed to. */
export interface Addressee {
  readonly token: string;
  /** Travels in the payload; receipts refer to it. */
  readonly messageId: string;
  /** The same for every attempt of one delivery, so that a duplicate overwrites; at most 64 bytes. */
  readonly collapseId: string;
}

/** A connected push service with one app's credential. Safe to use from many leases at once. */
export interface PushService {
  /**
   * Resolves when the outcome is known or its deadline passed; never rejects.
   * `mayStart` is asked synchronously, immediately before the request is written.
   */
  send(content: Message, to: Addressee, mayStart: () => boolean): Promise<Outcome>;
  /** Asks `mayStart` of every message that was handed over and not written, because a lease was stopped. */
  recheck(): void;
  /** Lets what is in flight end, then closes its connections. */
  close(): Promise<void>;
}

/** Where the operator lets a push service be reached. Never given by an API caller. */
export interface Endpoint {
  readonly url: URL;
  /** PEM of the authority to trust instead of the system's. */
  readonly ca?: string;
}
