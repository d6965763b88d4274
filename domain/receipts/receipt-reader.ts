import { z } from 'zod';
import { type DeliveryRef, decodeMessageId, type Mac } from './message-id.ts';
import { RECEIPT_KINDS, type Receipt, type ReceiptKind } from './receipt.ts';

export const ReceiptInput = z
  .strictObject({
    messageId: z.string().min(1).max(100),
    kind: z.enum(RECEIPT_KINDS),
    /** Made once on the device. A repeated receipt has the same ID. */
    eventId: z.string().regex(/^[\x21-\x7e]{1,64}$/, 'must be 1 to 64 visible ASCII characters'),
    at: z.iso.datetime({ offset: true }),
    /** For the kind delivered: received, but not shown, because the user turned notifications off. */
    blocked: z.boolean().default(false),
  })
  .meta({ id: 'ReceiptInput' });

export type IndexedReceipt = Receipt & { readonly index: number };

/** A receipt that cannot count, because it is malformed or has an unknown message ID. */
export type Refusal =
  | { readonly index: number; readonly error: string }
  | { readonly index: number; readonly result: 'unknown' };

export interface Times {
  /** When the server received the receipts. */
  readonly now: Date;
  readonly sentAt: Date | undefined;
}

/**
 * The receipts that may count, and the answers to the rest. The answer to a forged message ID equals that to
 * an unknown one, so that nobody can find out which IDs exist.
 */
export function readReceipts(
  mac: Mac,
  items: readonly unknown[],
  times: Times,
): { receipts: IndexedReceipt[]; refusals: Refusal[] } {
  const receipts: IndexedReceipt[] = [];
  const refusals: Refusal[] = [];
  items.forEach((item, index) => {
    const read = isPlainReceipt(item) ? item : ReceiptInput.safeParse(item);
    const input = 'success' in read ? read.data : read;
    if (input === undefined)
      refusals.push({ index, error: faultText((read as z.ZodSafeParseError<never>).error) });
    else {
      const ref = decodeMessageId(mac, input.messageId);
      if (ref === undefined) refusals.push({ index, result: 'unknown' });
      else receipts.push(receiptOf(ref, input, index, times));
    }
  });
  return { receipts, refusals };
}

function receiptOf(ref: DeliveryRef, input: Plain, index: number, times: Times): IndexedReceipt {
  const { kind, eventId, blocked = false } = input;
  const at = correctedTime(Date.parse(input.at), times);
  return { index, pushNo: ref.pushNo, deliveryNo: ref.deliveryNo, kind, eventId, at, blocked };
}

type Plain = { messageId: string; kind: ReceiptKind; eventId: string; at: string; blocked?: boolean };

const KINDS: ReadonlySet<unknown> = new Set(RECEIPT_KINDS);
const EVENT_ID = /^[\x21-\x7e]{1,64}$/;
/** The common form of a time, with the days that every month has. Other forms go through the schema. */
const AT =
  /^20\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?Z$/;

/** A quick check that most receipts pass. The full schema reads the others and takes twenty times as long. */
export function isPlainReceipt(item: unknown): item is Plain {
  if (typeof item !== 'object' || item === null) return false;
  const { messageId, kind, eventId, at, blocked } = item as Record<string, unknown>;
  let fields = 4;
  if (blocked !== undefined) {
    if (typeof blocked !== 'boolean') return false;
    fields = 5;
  }
  for (const _ in item) fields--;
  return (
    fields === 0 &&
    typeof messageId === 'string' &&
    messageId.length === 36 &&
    KINDS.has(kind) &&
    typeof eventId === 'string' &&
    EVENT_ID.test(eventId) &&
    typeof at === 'string' &&
    AT.test(at)
  );
}

/** The time by the server's clock, at most now. A device's clock may be wrong, but its durations count. */
export function correctedTime(at: number, { now, sentAt }: Times): number {
  const received = now.getTime();
  const ago = (sentAt === undefined ? received : sentAt.getTime()) - at;
  return received - Math.max(0, ago);
}

function faultText(error: z.ZodError): string {
  const faults = error.issues.map((issue) => `${issue.path.join('.') || 'receipt'}: ${issue.message}`);
  return faults.slice(0, 3).join('; ').slice(0, 300);
}
