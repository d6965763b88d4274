import type { ColumnType, Generated } from 'kysely';
import type { ReceiptSource } from '../../domain/receipts/receipt.ts';
import type { Int8 } from './int8.ts';

export interface PushHoursTable {
  push_no: Int8;
  /** As of `push_counters`: nobody waits for a hot row. */
  shard: number;
  /** Hours since the push started. */
  hour: number;
  platform: number;
  metric: string;
  value: Int8;
}

export interface ReceiptArrivalsTable {
  app_id: string;
  /** Of arrival; the epoch holds what was folded together when it grew old. */
  hour: Date;
  shard: number;
  source: ReceiptSource;
  /** -1 where it is not known. */
  platform: number;
  /** '' where it is not known. */
  kind: string;
  result: string;
  receipts: Int8;
  last_at: Date;
}

/** Receipts that came after the window: each kind of a delivery once. */
export interface LateReceiptsTable {
  /** When the push's window ended; old ones go by it. */
  ended_at: Date;
  push_no: Int8;
  delivery_no: number;
  /** The place among RECEIPT_KINDS. */
  kind: number;
}

export interface VendorKeysTable {
  id: string;
  app_id: string;
  name: string;
  sealed: Buffer;
  created_by: string;
  created_at: Date;
  revoked_at: Date | null;
}

export interface ReceiptInboxTable {
  no: Generated<Int8>;
  key_id: string;
  app_id: string;
  /** The vendor's own ID of the callback: the same again changes nothing. */
  callback_id: string;
  /** As it came; null once it was read. */
  body: string | null;
  received_at: Date;
  done_at: Date | null;
  outcome: ColumnType<Record<string, number> | null, string | null, string | null>;
}
