import type { Message } from '../domain/content/content.ts';
import type { Outcome } from '../domain/pushes/outcome.ts';

/** One device that a message is addressed to. */
export interface Addressee {
  readonly token: string;
  /** Sent in the payload, and named by receipts. */
  readonly messageId: string;
  /** The same for every attempt of one delivery, so that a duplicate overwrites; at most 64 bytes. */
  readonly collapseId: string;
}

/** The sender's permission for one message, whose lease may end while the message waits to be written. */
export interface Gate {
  /** Called any number of times, the last time immediately before the request is written. */
  mayStart(): boolean;
  /** Called when the request is written. */
  started(): void;
  /** Called when the request was certainly not processed and waits to be written again. */
  putBack(): void;
}

export const ALWAYS_OPEN: Gate = { mayStart: () => true, started() {}, putBack() {} };

/** A connected push service with one app's credential. Safe to use from many leases at once. */
export interface PushService {
  /** Resolves when the outcome is known or the deadline has passed. Never rejects. */
  send(content: Message, to: Addressee, gate: Gate): Promise<Outcome>;
  /** Why the service cannot be reached, for people. Undefined while it can, or was not tried. */
  readonly trouble: string | undefined;
  /** Asks the gate of every message that was handed over and not written, because a lease was stopped. */
  recheck(): void;
  /** Lets requests in flight end, then closes the connections. */
  close(): Promise<void>;
}

/** The operator's address for a push service. Never given by an API caller. */
export interface Endpoint {
  readonly url: URL;
  /** PEM of the authority to trust instead of the system's. */
  readonly ca?: string;
}
