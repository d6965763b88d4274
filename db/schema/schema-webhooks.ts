import type { ColumnType, Generated } from 'kysely';
import type { WebhookEvent } from '../../domain/webhooks/webhook.ts';
import type { Int8 } from './int8.ts';

export interface WebhookEndpointsTable {
  id: string;
  app_id: string;
  url: string;
  description: string;
  events: WebhookEvent[];
  secret: Buffer;
  previous_secret: Buffer | null;
  previous_secret_until: Date | null;
  disabled_at: Date | null;
  disabled_reason: string | null;
  /** Time of the first failure since the last success. */
  failing_since: Date | null;
  created_by: string;
  created_at: Date;
  updated_at: Date;
}

export interface WebhookEventsTable {
  no: Generated<Int8>;
  id: Generated<string>;
  app_id: string;
  type: WebhookEvent | 'webhook.ping';
  object_id: string;
  at: Date;
  data: ColumnType<Record<string, unknown>, string, never>;
}

export type WebhookDeliveryStatus = 'pending' | 'delivered' | 'failed';

export interface WebhookDeliveriesTable {
  endpoint_id: string;
  event_no: Int8;
  object_id: string;
  status: WebhookDeliveryStatus;
  /** Time of the next attempt, and during an attempt the end of the sending process's lease. */
  due_at: Date;
  /** Start of the retry schedule, which is the time of the event or of the last replay. */
  retry_from: Date;
  tries: Generated<number>;
  attempts: Generated<number>;
  last_status: number | null;
  last_error: string | null;
  settled_at: Date | null;
}

export interface WebhookAttemptsTable {
  endpoint_id: string;
  event_no: Int8;
  attempt: number;
  at: Date;
  duration_ms: number;
  status: number | null;
  error: string | null;
}
