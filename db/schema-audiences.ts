import type { ColumnType, Generated } from 'kysely';
import type { Int8 } from './int8.ts';

/** The last recount of an audience; a row that says running and beats no more is anybody's to take over. */
export interface AudienceRefreshesTable {
  audience_id: string;
  version: number;
  /** Grows with each start and each takeover: whoever has an older one has lost it. */
  run: number;
  state: 'running' | 'done' | 'failed';
  done_devices: Int8;
  total_devices: Int8;
  /** Devices below this number are counted. */
  next_no: Int8;
  counts: ColumnType<Record<string, unknown>, string, string>;
  reason: string | null;
  started_at: Date;
  beat_at: Date;
  finished_at: Date | null;
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
}
