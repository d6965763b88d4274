import type { Clock } from '../clock.ts';
import type { Gate } from '../push-service.ts';

/** The most devices that are remembered, which is more than wait for answers at a time. */
const MAX_CAUSES = 4_000;

/**
 * Remembers until when a push service wants no requests at all from one credential. A device causes one wait:
 * a service that wants no requests says so to others, too.
 */
export class HoldOff {
  readonly #clock: Clock;
  #until = 0;
  #reason = '';
  /** Tokens whose answers have caused a wait. */
  readonly #causes = new Set<string>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Never shortens an earlier wait. */
  extend(token: string, reason: string, forMs: number): void {
    if (this.#causes.has(token)) return;
    if (this.#causes.size >= MAX_CAUSES) this.#causes.clear();
    this.#causes.add(token);
    const until = this.#clock().getTime() + forMs;
    if (until <= this.#until) return;
    this.#until = until;
    this.#reason = reason;
  }

  get active(): boolean {
    return this.#until > 0 && this.#clock().getTime() < this.#until;
  }

  /** Returns the gate, closed while the service wants no requests. */
  before(gate: Gate): Gate {
    return {
      mayStart: () => !this.active && gate.mayStart(),
      started: () => gate.started(),
      putBack: () => gate.putBack(),
    };
  }

  get outcome() {
    const afterMs = Math.max(0, this.#until - this.#clock().getTime());
    return { kind: 'retry_later', reason: this.#reason, afterMs, answered: false } as const;
  }
}
