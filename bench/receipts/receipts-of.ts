import type { ReceiptKind } from '../../domain/receipts/receipt.ts';

/** A step that has no common factor with any number of devices that is not its own multiple: the order looks random. */
const STEP = 7_368_787;

/** The device that the i-th receipt is of: each once, in no order. */
export function deviceOf(i: number, devices: number): number {
  return ((i * STEP) % devices) + 1;
}

/** Of 20 receipts 10 say delivered, 7 seen, 2 opened, 1 closed; iOS devices (even numbers) have no dismissals. */
export function kindOf(n: number): ReceiptKind {
  const share = (n >> 1) % 20;
  if (share < 10) return 'delivered';
  if (share < 17) return 'impression';
  return share < 19 || n % 2 === 0 ? 'open' : 'dismissal';
}
