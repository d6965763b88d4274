import type { JSONColumnType } from 'kysely';
import type { ContactRules } from '../../domain/caps/cap.ts';
import type { Int8 } from './int8.ts';

export interface TestDevicesTable {
  app_id: string;
  device_id: string;
}

export interface TestSendsTable {
  id: string;
  app_id: string;
  task_id: string;
  revision: number;
  person_id: string;
  at: Date;
  done_at: Date | null;
}

export interface TestSendDevicesTable {
  test_send_id: string;
  device_id: string;
  outcome: string | null;
  reason: string | null;
}

export interface ContactRulesTable {
  app_id: string;
  rules: JSONColumnType<ContactRules>;
  updated_by: string;
  updated_at: Date;
}

export interface ContactsTable {
  app_id: string;
  push_no: Int8;
  /** `=` and the user's ID, or `#` and the number of a device without a user. */
  user_key: string;
  device_no: Int8;
  channel: string;
  /** Index into MESSAGE_CLASSES. */
  class: number;
  at: Date;
}
