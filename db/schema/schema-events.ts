import type { Generated, JSONColumnType } from 'kysely';
import type { Int8 } from './int8.ts';

/** Numbers of event names, so that millions of rows do not repeat a name. */
export interface EventNamesTable {
  no: Generated<number>;
  app_id: string;
  name: string;
  /** Whether devices without a user have reported the event. Rules consider such devices only then. */
  anonymous: Generated<boolean>;
  created_at: Date;
}

/** An event belongs to a user, or to a device that had no user. */
export interface EventsTable {
  at: Date;
  app_id: string;
  name_no: number;
  user_id: string | null;
  device_no: Int8 | null;
  properties: JSONColumnType<Record<string, unknown>>;
}

/** Keys of reported events. A unique index over the events, which are partitioned by time, is impossible. */
export interface EventKeysTable {
  key: string;
  received_at: Date;
}
