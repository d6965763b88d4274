import type { ColumnType, Generated, JSONColumnType } from 'kysely';
import type { Statistics } from '../domain/metrics.ts';
import type { Channel } from '../domain/platform.ts';
import type { TaskDefinition } from '../domain/task-definition.ts';
import type { PushStatus, PushType, TaskStatus } from '../domain/task-status.ts';

/** bigint columns that stay far below 2^53; the driver is told to parse them as numbers. */
type Int8 = number;

export interface AppsTable {
  id: string;
  name: string;
  time_zone: string;
  signal_approval: Generated<'code' | 'claimed' | 'off'>;
  maker_may_approve: Generated<boolean>;
  approvals_required: Generated<number>;
  stopped_at: Date | null;
  created_at: Date;
}

export interface PeopleTable {
  id: string;
  app_id: string;
  name: string;
  role: 'marketer' | 'approver' | 'operator';
  created_at: Date;
}

export interface KeysTable {
  id: string;
  app_id: string;
  person_id: string | null;
  kind: 'person' | 'sdk';
  hash: Buffer;
  created_at: Date;
  revoked_at: Date | null;
}

export interface CredentialsTable {
  app_id: string;
  channel: Channel;
  sealed: Buffer;
  version: Generated<number>;
  updated_at: Date;
}

export interface DevicesTable {
  no: Generated<Int8>;
  app_id: string;
  device_id: string;
  platform: number;
  channel: string;
  token: string | null;
  token_state: 'active' | 'none' | 'invalid' | 'replaced';
  token_registered_at: Date | null;
  invalid_reason: string | null;
  user_id: string | null;
  time_zone: string | null;
  locale: string | null;
  app_version: string | null;
  attributes: JSONColumnType<Record<string, unknown>>;
  tags: string[];
  last_active_at: Date | null;
  unsubscribed_at: Date | null;
  secret_hash: Buffer | null;
  created_at: Date;
  updated_at: Date;
}

export interface AudiencesTable {
  id: string;
  app_id: string;
  name: string;
  kind: 'upload' | 'all' | 'result';
  version: number;
  created_by: string;
  created_at: Date;
}

export interface AudienceVersionsTable {
  audience_id: string;
  version: number;
  members: Int8;
  source: JSONColumnType<Record<string, unknown>>;
  created_by: string;
  created_at: Date;
}

export interface AudienceMembersTable {
  audience_id: string;
  version: number;
  /** 0: a device ID. 1: a user ID, which stands for the user's devices. */
  kind: number;
  id: string;
}

export interface TasksTable {
  id: string;
  app_id: string;
  name: string;
  subgroup: Generated<string>;
  revision: number;
  approved_revision: number | null;
  submission: Generated<number>;
  status: TaskStatus;
  status_reason: string | null;
  in_push: Generated<boolean>;
  push_type: PushType;
  channel: string;
  push_at: Date | null;
  rate_per_second: number | null;
  creator: string;
  state_version: Generated<number>;
  archived_at: Date | null;
  created_at: Date;
  updated_at: Date;
}

export interface TaskRevisionsTable {
  task_id: string;
  revision: number;
  made_by: string;
  made_at: Date;
  definition: JSONColumnType<TaskDefinition>;
}

export interface RemarksTable {
  id: string;
  task_id: string;
  person_id: string;
  text: string;
  created_at: Date;
}

export interface ApprovalsTable {
  task_id: string;
  submission: number;
  revision: number;
  person_id: string;
  decision: 'approve' | 'reject';
  via: 'api' | 'signal' | 'claimed';
  remark: string | null;
  decided_at: Date;
}

export interface AuditTable {
  no: Generated<Int8>;
  app_id: string;
  task_id: string | null;
  submission: number | null;
  seq: number | null;
  at: Date;
  person_id: string | null;
  verb: string;
  via: string;
  revision: number | null;
  outcome: 'done' | 'ignored';
  detail: string | null;
  /** The remark that holds the text, where it came through the API. */
  remark: string | null;
}

export interface PushesTable {
  no: Generated<Int8>;
  id: string;
  app_id: string;
  task_id: string;
  seq: number;
  revision: number;
  status: PushStatus;
  status_reason: string | null;
  due_at: Date;
  /** Which half hour's partition holds the deliveries. */
  slot: Date | null;
  started_at: Date | null;
  window_ends_at: Date | null;
  window_ms: Int8;
  statistics: ColumnType<Statistics | null, string | null, string | null>;
  finalised_at: Date | null;
  details_deleted_at: Date | null;
  created_at: Date;
}

export interface PushControlTable {
  push_no: Int8;
  epoch: Generated<number>;
  open: Generated<boolean>;
  wanted: 'pause' | 'cancel' | null;
}

export interface RatesTable {
  /** Of a task, or of a credential. */
  key: string;
  per_second: number;
  /** When the next token is due. */
  next_at: Date;
}

export interface LeasesTable {
  push_no: Int8;
  lease_no: number;
  from_n: number;
  to_n: number;
  /** Rows up to here were marked in flight, the rest was never claimed. */
  mark_n: number;
  epoch: Generated<number>;
  attempt: Generated<number>;
  /** Until when a sender that gave the lease back may still get answers. */
  draining_until: Date | null;
  /** Rows without a final outcome, by platform code. */
  pending: number[];
  done: Generated<boolean>;
}

export interface PushCountersTable {
  push_no: Int8;
  /** Lease number, or a small negative number for what other writers count: nobody waits for a hot row. */
  slot: number;
  /** -1 where a planned ID has no platform. */
  platform: number;
  metric: string;
  reason: Generated<string>;
  value: Int8;
}

export interface DeliveriesTable {
  slot: Date;
  push_no: Int8;
  n: number;
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
}

export interface OpenEventsTable {
  slot: Date;
  push_no: Int8;
  n: number;
  event_id: string;
  opened_at: Date;
}

export interface IdempotencyKeysTable {
  app_id: string;
  key: string;
  request_hash: Buffer;
  status: number | null;
  response: ColumnType<unknown, string | null, string | null>;
  created_at: Date;
}

export interface Schema {
  apps: AppsTable;
  people: PeopleTable;
  keys: KeysTable;
  credentials: CredentialsTable;
  devices: DevicesTable;
  audiences: AudiencesTable;
  audience_versions: AudienceVersionsTable;
  audience_members: AudienceMembersTable;
  tasks: TasksTable;
  task_revisions: TaskRevisionsTable;
  remarks: RemarksTable;
  approvals: ApprovalsTable;
  audit: AuditTable;
  pushes: PushesTable;
  push_control: PushControlTable;
  rates: RatesTable;
  leases: LeasesTable;
  push_counters: PushCountersTable;
  deliveries: DeliveriesTable;
  open_events: OpenEventsTable;
  idempotency_keys: IdempotencyKeysTable;
}
