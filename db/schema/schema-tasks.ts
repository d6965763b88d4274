import type { Generated, GeneratedAlways, JSONColumnType } from 'kysely';
import type { TaskDefinition } from '../../domain/tasks/task-definition.ts';
import type { PushType, TaskStatus } from '../../domain/tasks/task-status.ts';
import type { Int8 } from './int8.ts';

export interface TasksTable {
  id: string;
  app_id: string;
  name: string;
  subgroup_id: string | null;
  /** As names are searched and sorted; the database makes it. */
  name_folded: GeneratedAlways<string>;
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
  /** When the time limit of its approval ends. */
  approval_due_at: Date | null;
  approval_reminded_for: Date | null;
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
  action: string;
  via: string;
  revision: number | null;
  outcome: 'done' | 'ignored';
  detail: string | null;
  /** The remark that holds the text, where it came through the API. */
  remark: string | null;
  /** The request it came with, where it came through the API. */
  origin: string | null;
}
