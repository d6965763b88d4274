import type { ReceiptKind } from '../../domain/receipts/receipt.ts';

/** A prime step, which reaches each device once in an order that looks random. */
const STEP = 7_368_787;

/** The device of the i-th receipt. Each device comes once, in no order. */
export function deviceOf(i: number, devices: number): number {
  return ((i * STEP) % devices) + 1;
}

/**
 * Ten of 20 receipts say delivered, 7 seen, 2 opened, 1 closed. iOS devices (even numbers) have no
 * dismissals.
 */
export function kindOf(n: number): ReceiptKind {
  const share = (n >> 1) % 20;
  if (share < 10) return 'delivered';
  if (share < 17) return 'impression';
  return share < 19 || n % 2 === 0 ? 'open' : 'dismissal';
}
