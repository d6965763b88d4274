import type { ColumnType, Generated } from 'kysely';
import type { Given } from '../../domain/content/content-fill.ts';
import type { Statistics } from '../../domain/pushes/metrics.ts';
import type { PushStatus } from '../../domain/tasks/task-status.ts';
import type { Int8 } from './int8.ts';

export interface PushesTable {
  no: Generated<Int8>;
  id: string;
  app_id: string;
  task_id: string;
  seq: number;
  revision: number;
  status: PushStatus;
  status_reason: string | null;
  /** Since when; null: since it was made. */
  status_at: Date | null;
  due_at: Date;
  /** The start of the partition that holds the deliveries. */
  partition_start: Date | null;
  /** When its devices were written, or the first of them. */
  prepared_at: Generated<Date | null>;
  /** Devices of the audience from this number on are still to be written. */
  next_part_from: Generated<Int8 | null>;
  started_at: Date | null;
  window_ends_at: Date | null;
  window_ms: Int8;
  statistics: ColumnType<Statistics | null, string | null, string | null>;
  finalised_at: Date | null;
  details_deleted_at: Date | null;
  /** Of a trigger task: after that nobody joins the push any more. */
  closed_at: Generated<Date | null>;
  /** When it was entered in the contact log: what it sends, and what it is to send. */
  contacts_logged_at: Generated<Date | null>;
  /** Since then the log holds what it sent. */
  contacts_settled_at: Generated<Date | null>;
  created_at: Date;
}

export interface PushControlTable {
  push_no: Int8;
  epoch: Generated<number>;
  open: Generated<boolean>;
  wanted: 'pause' | 'cancel' | null;
}

export interface RatesTable {
  /** Of a task, or of a credential. */
  key: string;
  per_second: number;
  /** When the next token is due. */
  next_at: Date;
}

export interface LeasesTable {
  push_no: Int8;
  lease_no: number;
  first_no: number;
  last_no: number;
  /** Rows up to here were marked in flight, the rest was never claimed. */
  claimed_to: number;
  epoch: Generated<number>;
  attempt: Generated<number>;
  /** Until when a sender that gave the lease back may still get answers. */
  draining_until: Date | null;
  /** When its holder last wrote to it; null once it was given back. */
  seen_at: Generated<Date | null>;
  /** The process that took it last, as Temporal names it. */
  holder: Generated<string | null>;
  /** A newer holder waits: nothing is claimed any more. */
  recalled: Generated<boolean>;
  /** How often others than its holder settled rows of it: a claim that saw them as they were before claims again. */
  version: Generated<number>;
  /** Rows without a final outcome, by platform code. */
  pending: number[];
  done: Generated<boolean>;
  /** Before then it is not given to a sender; null: from the start. */
  due_at: Generated<Date | null>;
}

export interface PushCountersTable {
  push_no: Int8;
  /** Lease number, or a small negative number for what other writers count: nobody waits for a hot row. */
  shard: number;
  /** -1 where a planned ID has no platform. */
  platform: number;
  metric: string;
  reason: Generated<string>;
  /** Place of the locale in the push's content; 0 for none. */
  locale: Generated<number>;
  /** In which hour of the push a sender settled; -1 for what others count. */
  hour: Generated<number>;
  value: Int8;
}

export interface DeliveriesTable {
  partition_start: Date;
  push_no: Int8;
  delivery_no: number;
  device_no: Int8 | null;
  device_id: string;
  platform: number | null;
  channel: string | null;
  token: string | null;
  status: number;
  reason: string | null;
  settled_at: Date | null;
  delivered_at: Date | null;
  impression_at: Date | null;
  open_at: Date | null;
  dismissed_at: Date | null;
  blocked: Generated<boolean>;
  taps: Generated<number>;
  /** Which message of the push's content; null where there is only one. */
  variant: number | null;
  /** What the device's attributes said of the content's variables when the push was prepared. */
  variables: ColumnType<Given | null, string | null, string | null>;
}

export interface OpenEventsTable {
  partition_start: Date;
  push_no: Int8;
  delivery_no: number;
  event_id: string;
  opened_at: Date;
}
