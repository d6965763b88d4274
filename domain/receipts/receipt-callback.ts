import { z } from 'zod';
import type { Mac } from './message-id.ts';
import { type IndexedReceipt, type Refusal, readReceipts } from './receipt-reader.ts';

const Callback = z.strictObject({
  sentAt: z.iso
    .datetime({ offset: true })
    .transform((text) => new Date(text))
    .optional(),
  receipts: z.array(z.unknown()).min(1).max(1_000),
});

/** The receipts in a vendor's callback. Undefined when the body is not a callback. Never throws. */
export function readCallback(
  mac: Mac,
  body: string,
  now: Date,
): { receipts: IndexedReceipt[]; refusals: Refusal[] } | undefined {
  const parsed = Callback.safeParse(jsonOf(body));
  if (!parsed.success) return undefined;
  const { sentAt, receipts } = parsed.data;
  return readReceipts(mac, receipts, { now, sentAt });
}

function jsonOf(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
