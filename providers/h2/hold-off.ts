import type { Clock } from '../clock.ts';
import type { Gate } from '../push-service.ts';

/** Remembers until when a push service wants no requests at all from one credential. */
export class HoldOff {
  readonly #clock: Clock;
  #until = 0;
  #reason = '';

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Never shortens an earlier wait. */
  extend(reason: string, forMs: number): void {
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
