import type { Generated, JSONColumnType } from 'kysely';
import type { Int8 } from './int8.ts';

/** Each name of an event has a number, so that millions of rows do not repeat it. */
export interface EventNamesTable {
  no: Generated<number>;
  app_id: string;
  name: string;
  /** Whether devices without a user have reported it: only then rules look for such. */
  anonymous: Generated<boolean>;
  created_at: Date;
}

/** An event is of a user, or of a device that had none. */
export interface EventsTable {
  at: Date;
  app_id: string;
  name_no: number;
  user_id: string | null;
  device_no: Int8 | null;
  properties: JSONColumnType<Record<string, unknown>>;
}

/** What was reported before; apart from the events, whose partitions are cut by time. */
export interface EventKeysTable {
  key: string;
  received_at: Date;
}
