import type { Channel } from '../../domain/platform.ts';
import type { Outcome } from '../../domain/pushes/outcome.ts';
import type { Refusal, Refusals, Refused } from './refusals.ts';

type Settle = (deliveryNo: number, outcome: Outcome) => void;

/** The refused deliveries of one lease, which wait until it is known whether their devices are at fault. */
export class HeldRefusals {
  readonly #refusals: Refusals;
  readonly #settle: Settle;
  #held: { readonly deliveryNo: number; readonly refusal: Refusal }[] = [];

  constructor(refusals: Refusals, settle: Settle) {
    this.#refusals = refusals;
    this.#settle = settle;
  }

  get count(): number {
    return this.#held.length;
  }

  hold(deliveryNo: number, channel: Channel, outcome: Refused): void {
    const refusal = this.#refusals.refused(channel, outcome, performance.now());
    this.#held.push({ deliveryNo, refusal });
  }

  /** Settles deliveries whose devices are at fault. `isLast`: the lease gets no more answers. */
  judge(isLast: boolean): void {
    if (this.#held.length === 0) return;
    if (isLast) for (const { refusal } of this.#held) this.#refusals.conclude(refusal.channel);
    if (this.#refusals.halt !== undefined) return;
    this.#release(
      (refusal) => isLast || this.#refusals.isOfDevice(refusal),
      ({ outcome }) => ({ kind: 'rejected', reason: outcome.reason, token: 'good' }),
      'settled',
    );
  }

  /** Puts all back to be sent later, because the lease ends before anything is known. */
  putBack(): void {
    if (this.#held.length === 0) return;
    this.#release(
      () => true,
      ({ outcome }) => outcome,
    );
  }

  #release(
    isReady: (refusal: Refusal) => boolean,
    outcomeOf: (refusal: Refusal) => Outcome,
    settled?: 'settled',
  ): void {
    const ready = this.#held.filter(({ refusal }) => isReady(refusal));
    if (ready.length === 0) return;
    const released = new Set(ready.map(({ refusal }) => refusal));
    this.#held = this.#held.filter(({ refusal }) => !released.has(refusal));
    for (const { deliveryNo, refusal } of ready) this.#settle(deliveryNo, outcomeOf(refusal));
    this.#refusals.withdraw(released, settled);
  }
}
