import type { ColumnType, Generated } from 'kysely';
import type { Int8 } from './int8.ts';

/** The last recount of an audience; a row that says running and beats no more is anybody's to take over. */
export interface AudienceRefreshesTable {
  audience_id: string;
  version: number;
  /** Grows with each start and each takeover: whoever has an older one has lost it. */
  run: number;
  state: 'running' | 'done' | 'failed';
  /** Devices of the app; of an audience that names its members, these. */
  done: Int8;
  total: Int8;
  /** Devices below this number are counted. */
  next_no: Int8;
  /** Of an audience that names its members: those of this kind up to this ID are counted, and all of the kinds below. */
  next_kind: number;
  next_id: string;
  counts: ColumnType<Record<string, unknown>, string, string>;
  reason: string | null;
  started_at: Date;
  beat_at: Date;
  finished_at: Date | null;
}

/** A file on its way: what it holds so far, and where the rest begins. */
export interface AudienceUploadsTable {
  no: Generated<Int8>;
  app_id: string;
  /** The Idempotency-Key; null: nobody can go on with it. */
  key: string | null;
  /** Address and content type. */
  target: string;
  /** Grows with each request that goes on: an older one has lost it. */
  run: number;
  bytes: Int8;
  lines: Int8;
  /** Of a CSV file whose header was read. */
  columns: ColumnType<string[] | null, string | null, string | null>;
  rows: Int8;
  bad_rows: Int8;
  errors: ColumnType<unknown[], string, string>;
  /** What was answered when it had become an audience. */
  answer: ColumnType<unknown, string | null, string | null>;
  updated_at: Date;
}

export interface AudienceUploadMembersTable {
  upload_no: Int8;
  /** 0: a device ID. 1: a user ID. */
  kind: number;
  id: string;
}

/** Who was in a task's audience when its revision was approved. */
export interface FrozenAudiencesTable {
  no: Generated<Int8>;
  task_id: string;
  revision: number;
  members: Int8;
  frozen_at: Date;
}

export interface FrozenMembersTable {
  frozen_no: Int8;
  /** 0: a device, or the ID of none. 1: of a user. */
  kind: number;
  id: string;
  device_no: Int8 | null;
  /** A device of a user that is named by its own ID, too. */
  is_duplicate: boolean;
}
