import type { Clock } from './clock.ts';

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

  get outcome() {
    const afterMs = Math.max(0, this.#until - this.#clock().getTime());
    return { kind: 'retry_later', reason: this.#reason, afterMs, answered: false } as const;
  }
}
