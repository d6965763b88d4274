import type { ColumnType, Generated } from 'kysely';
import type { EventFilter } from '../../domain/events/event.ts';
import type { Int8 } from './int8.ts';

/** Trigger tasks whose events count now. */
export interface TriggersTable {
  task_id: string;
  app_id: string;
  revision: number;
  name_no: number;
  unless_no: number | null;
  /** Null means that any event of that name counts. */
  filter: ColumnType<EventFilter | null, string | null, string | null>;
  delay_ms: Int8;
  /** Null means that a user who was pushed to never enters again. */
  cooldown_ms: Int8 | null;
  /** Maximum delay of a push to a user; null means no maximum. */
  grace_ms: Int8 | null;
  starts_at: Date;
  ends_at: Date | null;
  paused: boolean;
}

export interface TriggerArrivalsTable {
  no: Generated<Int8>;
  app_id: string;
  name_no: number;
  user_id: string;
  at: Date;
  properties: Generated<object>;
}

/** One row per user who has ever entered. The row is reused when the user enters again. */
export interface TriggerEntriesTable {
  task_id: string;
  user_id: string;
  event_at: Date;
  due_at: Date;
  /** Index into ENTRY_STATES. */
  state: number;
  cooldown_ms: Int8 | null;
  /** Time of the event that led to the last push. */
  pushed_event_at: Date | null;
  push_no: Int8 | null;
}
