import type { ColumnType, Generated } from 'kysely';
import type { AudienceCounts } from '../../domain/audiences/audience-counts.ts';
import type { Int8 } from './int8.ts';

/** The last recount of an audience. Another process may take over a recount whose heartbeat has stopped. */
export interface AudienceRefreshesTable {
  audience_id: string;
  version: number;
  /** Grows with each start and each takeover. A holder of an older run has lost the recount. */
  run: number;
  state: 'running' | 'done' | 'failed';
  /** Counts the app's devices, or the members of an audience that names its members. */
  done: Int8;
  total: Int8;
  /** Devices below this number are counted. */
  next_no: Int8;
  /** Progress for audiences that name members: lower kinds, and this kind up to `next_id`, are counted. */
  next_kind: number;
  next_id: string;
  counts: ColumnType<AudienceCounts, string, string>;
  reason: string | null;
  started_at: Date;
  beat_at: Date;
  finished_at: Date | null;
}

/** An unfinished upload of a file, with its progress. */
/** What was wrong with the rows of a file, as CSV. */
export interface UploadReportsTable {
  id: string;
  app_id: string;
  csv: string;
  created_at: Date;
}

export interface AudienceUploadsTable {
  no: Generated<Int8>;
  app_id: string;
  /** The Idempotency-Key. An upload without one cannot be resumed. */
  key: string | null;
  /** URL and content type of the request. */
  target: string;
  /** Grows with each request that resumes the upload. An older request has lost it. */
  run: number;
  bytes: Int8;
  lines: Int8;
  /** How rows are read; null until the header of a CSV file was. */
  layout: ColumnType<unknown, string | null, string | null>;
  rows: Int8;
  bad_rows: Int8;
  /** What was wrong with the rows so far. */
  report: ColumnType<unknown, string, string>;
  /** The answer of the request that completed the upload. */
  answer: ColumnType<unknown, string | null, string | null>;
  updated_at: Date;
}

export interface AudienceUploadMembersTable {
  upload_no: Int8;
  /** 0: a device ID. 1: a user ID. */
  kind: number;
  id: string;
}

/** The members of a task's audience at the approval of its revision. */
export interface FrozenAudiencesTable {
  no: Generated<Int8>;
  task_id: string;
  revision: number;
  members: Int8;
  frozen_at: Date;
}

export interface FrozenMembersTable {
  frozen_no: Int8;
  /** 0: a device ID, known or unknown. 1: a device of a user. */
  kind: number;
  id: string;
  device_no: Int8 | null;
  /** A user's device that the audience also names by its device ID. */
  is_duplicate: boolean;
}
