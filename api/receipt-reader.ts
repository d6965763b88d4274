import { z } from 'zod';
import type { IndexedReceipt } from '../db/receipts.ts';
import { decodeMessageId, type Mac } from '../domain/message-id.ts';
import { RECEIPT_KINDS, type ReceiptResult } from '../domain/receipt.ts';

export const RESULTS = [
  'counted',
  'duplicate',
  'late',
  'unknown',
  'not_supported',
] as const satisfies readonly ReceiptResult[];

export const ReceiptInput = z
  .strictObject({
    messageId: z.string().min(1).max(100),
    kind: z.enum(RECEIPT_KINDS),
    /** Made once on the device: the same receipt again carries the same. */
    eventId: z.string().regex(/^[\x21-\x7e]{1,64}$/, 'must be 1 to 64 visible ASCII characters'),
    at: z.iso.datetime({ offset: true }),
    /** With kind delivered: received, and not shown because the user switched notifications off. */
    blocked: z.boolean().default(false),
  })
  .meta({ id: 'ReceiptInput' });

type Answer = { index: number; result: ReceiptResult } | { index: number; error: string };

export interface Times {
  /** When the server received them. */
  readonly now: Date;
  readonly sentAt: Date | undefined;
}

/**
 * The receipts that may count, and the answers to the rest. A forged message ID is answered like one of
 * nothing, so that nobody can find out which exist.
 */
export function readReceipts(
  mac: Mac,
  items: readonly unknown[],
  times: Times,
): { receipts: IndexedReceipt[]; answers: Map<number, Answer> } {
  const receipts: IndexedReceipt[] = [];
  const answers = new Map<number, Answer>();
  items.forEach((item, index) => {
    const parsed = ReceiptInput.safeParse(item);
    if (!parsed.success) {
      answers.set(index, { index, error: faultText(parsed.error) });
      return;
    }
    const { messageId, kind, eventId, at, blocked } = parsed.data;
    const ref = decodeMessageId(mac, messageId);
    if (ref === undefined) answers.set(index, { index, result: 'unknown' });
    else receipts.push({ ...ref, index, kind, eventId, blocked, at: serverTime(new Date(at), times) });
  });
  return { receipts, answers };
}

/** The device's clock may be wrong, but not its sense of how long ago; nothing happens in the future. */
export function serverTime(at: Date, { now, sentAt }: Times): Date {
  const ago = sentAt === undefined ? now.getTime() - at.getTime() : sentAt.getTime() - at.getTime();
  return new Date(now.getTime() - Math.max(0, ago));
}

function faultText(error: z.ZodError): string {
  const faults = error.issues.map((issue) => `${issue.path.join('.') || 'receipt'}: ${issue.message}`);
  return faults.slice(0, 3).join('; ').slice(0, 300);
}
