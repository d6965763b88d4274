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
  /** Time of the last change of status; null means the time of creation. */
  status_at: Date | null;
  due_at: Date;
  /** The start of the partition that holds the deliveries. */
  partition_start: Date | null;
  /** When its devices were written, or the first of them. */
  prepared_at: Generated<Date | null>;
  /** Devices of the audience from this number on are not written yet. */
  next_part_from: Generated<Int8 | null>;
  started_at: Date | null;
  window_ends_at: Date | null;
  window_ms: Int8;
  statistics: ColumnType<Statistics | null, string | null, string | null>;
  finalised_at: Date | null;
  deliveries_deleted_at: Date | null;
  /** Time after which no user joins the push of a trigger task. */
  closed_at: Generated<Date | null>;
  /** Time at which sent and planned messages were entered in the contact log. */
  contacts_logged_at: Generated<Date | null>;
  /** Time from which the contact log holds sent messages only. */
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
  /** Key of a task or of a credential. */
  key: string;
  per_second: number;
  /** Time at which the next token of the rate limiter is available. */
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
  /** Time until which a sender that returned the lease may still receive responses. */
  draining_until: Date | null;
  /** Time of the holder's last heartbeat; null after the lease was returned. */
  seen_at: Generated<Date | null>;
  /** The process that took the lease last, by its Temporal identity. */
  holder: Generated<string | null>;
  /** Whether a newer holder waits, which stops further claims. */
  recalled: Generated<boolean>;
  /** Counts settlements of rows by others than the holder. A claim with an older snapshot is repeated. */
  version: Generated<number>;
  /** Rows without a final outcome, by platform code. */
  pending: number[];
  done: Generated<boolean>;
  /** Time before which no sender gets the lease; null means from the start. */
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
  /** Position of the locale in the push's content; 0 for content without locales. */
  locale: Generated<number>;
  /** Hour of the push in which a sender settled; -1 for counts by other writers. */
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
  /** Number of the message in the push's content; null for content with one message. */
  variant: number | null;
  /** Values of the content's variables from the device's attributes at preparation. */
  variables: ColumnType<Given | null, string | null, string | null>;
}

export interface OpenEventsTable {
  partition_start: Date;
  push_no: Int8;
  delivery_no: number;
  event_id: string;
  opened_at: Date;
}
