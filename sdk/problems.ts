import type { Fault } from './device-state.ts';
import type { Item } from './state.ts';

export type SignalboxProblem =
  /** The server will never count it: not asked again. */
  | { readonly kind: 'refused'; readonly item: Item; readonly reason: string }
  /** The oldest had to make room. */
  | { readonly kind: 'dropped'; readonly count: number }
  /** The device, or a change of it, was refused. */
  | { readonly kind: 'device'; readonly fault: Fault }
  /** Not sent now, and tried again. */
  | { readonly kind: 'request'; readonly fault: Fault }
  /** Nothing can be stored, or something else went wrong here. */
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
