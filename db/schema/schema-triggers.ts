import type { ColumnType, Generated } from 'kysely';
import type { EventFilter } from '../../domain/events/event.ts';
import type { Int8 } from './int8.ts';

/** Of each trigger task whose events count now. */
export interface TriggersTable {
  task_id: string;
  app_id: string;
  revision: number;
  name_no: number;
  unless_no: number | null;
  /** Null: any event of that name counts. */
  filter: ColumnType<EventFilter | null, string | null, string | null>;
  delay_ms: Int8;
  /** Null: nobody who was pushed to is entered again. */
  cooldown_ms: Int8 | null;
  /** How late a user may be pushed to; null: however late. */
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

/** One row for each user who ever entered; it is used again when he enters again. */
export interface TriggerEntriesTable {
  task_id: string;
  user_id: string;
  event_at: Date;
  due_at: Date;
  /** The place in ENTRY_STATES. */
  state: number;
  cooldown_ms: Int8 | null;
  /** The event of the last push. */
  pushed_event_at: Date | null;
  push_no: Int8 | null;
}
