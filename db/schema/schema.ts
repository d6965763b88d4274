import type { ColumnType, Generated, JSONColumnType } from 'kysely';
import type { AudienceKind } from '../../domain/audiences/audience-definition.ts';
import type { AddressKind, TokenState } from '../../domain/devices/address.ts';
import type { Channel } from '../../domain/platform.ts';
import type { Role } from '../../domain/role.ts';
import type { Int8 } from './int8.ts';
import type {
  AudienceRefreshesTable,
  AudienceUploadMembersTable,
  AudienceUploadsTable,
  FrozenAudiencesTable,
  FrozenMembersTable,
  UploadReportsTable,
} from './schema-audiences.ts';
import type {
  ContactRulesTable,
  ContactsTable,
  TestDevicesTable,
  TestSendDevicesTable,
  TestSendsTable,
} from './schema-contacts.ts';
import type { DeviceIdentifiersTable, DeviceTokensTable, UserTokenKeysTable } from './schema-devices.ts';
import type { EventKeysTable, EventNamesTable, EventsTable } from './schema-events.ts';
import type {
  DeliveriesTable,
  LeasesTable,
  OpenEventsTable,
  PushControlTable,
  PushCountersTable,
  PushesTable,
  RatesTable,
} from './schema-ledger.ts';
import type {
  AppStopsTable,
  RequestOriginsTable,
  SubCampaignsTable,
  SubgroupsTable,
  TaskSubCampaignsTable,
  TaskTotalsRefreshesTable,
  TaskTotalsTable,
} from './schema-management.ts';
import type {
  LateReceiptsTable,
  PushHoursTable,
  ReceiptArrivalsTable,
  ReceiptInboxTable,
  VendorKeysTable,
} from './schema-receipts.ts';
import type {
  ApprovalsTable,
  AuditTable,
  RemarksTable,
  TaskRevisionsTable,
  TasksTable,
} from './schema-tasks.ts';
import type { TriggerArrivalsTable, TriggerEntriesTable, TriggersTable } from './schema-triggers.ts';
import type {
  WebhookAttemptsTable,
  WebhookDeliveriesTable,
  WebhookEndpointsTable,
  WebhookEventsTable,
} from './schema-webhooks.ts';

export interface AppsTable {
  id: string;
  name: string;
  time_zone: string;
  signal_approval: Generated<'code' | 'claimed' | 'off'>;
  maker_may_approve: Generated<boolean>;
  approver_roles: Generated<Role[]>;
  approvals_required: Generated<number>;
  approval_limit_minutes: number | null;
  on_approval_timeout: Generated<'expire' | 'late_policy'>;
  /** Minutes before the limit at which approvers are reminded; null means no reminder. */
  approval_reminder_minutes: number | null;
  stopped_at: Date | null;
  /** The person who lifted the last stop. */
  resumed_by: string | null;
  created_at: Date;
}

export interface PeopleTable {
  id: string;
  app_id: string;
  name: string;
  role: Role;
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
  /** Null means the platform's usual kind. */
  address_kind: AddressKind | null;
  token: string | null;
  token_state: TokenState;
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
  kind: AudienceKind;
  version: number;
  created_by: string;
  created_at: Date;
  archived_at: Date | null;
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

/** The bytes of a file that one request sent. */
export interface UploadContent {
  /** The offset of the first byte, which is above 0 when the request resumed an upload. */
  from: number;
  to: number;
  hash: string;
}

export interface IdempotencyKeysTable {
  app_id: string;
  key: string;
  request_hash: Buffer;
  status: number | null;
  response: ColumnType<unknown, string | null, string | null>;
  /** Null until the request is answered, and of requests without a file. */
  content: ColumnType<UploadContent | null, string | null, string | null>;
  created_at: Date;
}

export interface Schema {
  apps: AppsTable;
  app_stops: AppStopsTable;
  people: PeopleTable;
  keys: KeysTable;
  credentials: CredentialsTable;
  devices: DevicesTable;
  device_identifiers: DeviceIdentifiersTable;
  device_tokens: DeviceTokensTable;
  user_token_keys: UserTokenKeysTable;
  audiences: AudiencesTable;
  audience_versions: AudienceVersionsTable;
  audience_members: AudienceMembersTable;
  audience_uploads: AudienceUploadsTable;
  upload_reports: UploadReportsTable;
  audience_upload_members: AudienceUploadMembersTable;
  event_names: EventNamesTable;
  events: EventsTable;
  event_keys: EventKeysTable;
  audience_refreshes: AudienceRefreshesTable;
  frozen_audiences: FrozenAudiencesTable;
  frozen_members: FrozenMembersTable;
  tasks: TasksTable;
  subgroups: SubgroupsTable;
  sub_campaigns: SubCampaignsTable;
  task_sub_campaigns: TaskSubCampaignsTable;
  task_totals: TaskTotalsTable;
  task_totals_refreshes: TaskTotalsRefreshesTable;
  request_origins: RequestOriginsTable;
  task_revisions: TaskRevisionsTable;
  remarks: RemarksTable;
  approvals: ApprovalsTable;
  audit: AuditTable;
  pushes: PushesTable;
  push_control: PushControlTable;
  rates: RatesTable;
  leases: LeasesTable;
  push_counters: PushCountersTable;
  push_hours: PushHoursTable;
  receipt_arrivals: ReceiptArrivalsTable;
  vendor_keys: VendorKeysTable;
  receipt_inbox: ReceiptInboxTable;
  late_receipts: LateReceiptsTable;
  contact_rules: ContactRulesTable;
  contacts: ContactsTable;
  test_devices: TestDevicesTable;
  test_sends: TestSendsTable;
  test_send_devices: TestSendDevicesTable;
  deliveries: DeliveriesTable;
  open_events: OpenEventsTable;
  idempotency_keys: IdempotencyKeysTable;
  triggers: TriggersTable;
  trigger_arrivals: TriggerArrivalsTable;
  trigger_entries: TriggerEntriesTable;
  webhook_endpoints: WebhookEndpointsTable;
  webhook_events: WebhookEventsTable;
  webhook_deliveries: WebhookDeliveriesTable;
  webhook_attempts: WebhookAttemptsTable;
}
