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
  /** Hour of arrival. The epoch (1970) holds the sums of old hours. */
  hour: Date;
  shard: number;
  source: ReceiptSource;
  /** -1 for an unknown platform. */
  platform: number;
  /** '' for an unknown kind. */
  kind: string;
  result: string;
  receipts: Int8;
  last_at: Date;
}

/** Receipts that arrived after the window, one per delivery and kind. */
export interface LateReceiptsTable {
  /** End of the push's window, by which old rows are deleted. */
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
  /** The vendor's ID of the callback, which makes repetitions have no effect. */
  callback_id: string;
  /** The unparsed body; null after processing. */
  body: string | null;
  received_at: Date;
  done_at: Date | null;
  outcome: ColumnType<Record<string, number> | null, string | null, string | null>;
}
