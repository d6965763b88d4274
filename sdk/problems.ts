import type { Fault } from './device-state.ts';
import type { Item } from './state.ts';

export type SignalboxProblem =
  /** The item can never be sent or counted, and is dropped. The body holds what could be read of it. */
  | { readonly kind: 'refused'; readonly item: Item; readonly reason: string }
  /** The oldest items were dropped because the queue was full. */
  | { readonly kind: 'dropped'; readonly count: number }
  /** The device or a change was refused, or fields of it were left out: `fault.pointers` names them. */
  | { readonly kind: 'device'; readonly fault: Fault }
  /** The request failed and will be retried. */
  | { readonly kind: 'request'; readonly fault: Fault }
  /** Storage failed, or another error occurred in the SDK. */
  | { readonly kind: 'internal'; readonly error: unknown };

export type ErrorListener = (problem: SignalboxProblem) => void;

export class SignalboxError extends Error {
  override name = 'SignalboxError';
  readonly fault: Fault;

  constructor(fault: Fault) {
    super(`${fault.code}: ${fault.detail}`);
    this.fault = fault;
  }
}
