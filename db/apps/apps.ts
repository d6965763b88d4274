import type { Selectable } from 'kysely';
import type { Role } from '../../domain/role.ts';
import type { ApprovalTimeout } from '../../domain/tasks/plan.ts';
import type { Db } from '../core/database.ts';
import type { AppsTable } from '../schema/schema.ts';

export interface AppSettings {
  readonly name: string;
  readonly timeZone: string;
  readonly signalApproval: AppsTable['signal_approval']['__select__'];
  readonly makerMayApprove: boolean;
  /** Roles whose persons approve and reject tasks. */
  readonly approverRoles: Role[];
  readonly approvalsRequired: number;
  /** Counted from the moment when approvers are asked; null means no limit. */
  readonly approvalTimeLimitMinutes: number | null;
  readonly onApprovalTimeout: ApprovalTimeout;
  /** Minutes before the limit at which approvers are reminded; null means no reminder. */
  readonly approvalReminderMinutes: number | null;
}
export interface AppRecord extends AppSettings {
  readonly id: string;
  readonly createdAt: Date;
}
export type AppChange = { readonly [Key in keyof AppSettings]?: AppSettings[Key] | undefined };
type NewApp = AppChange & Pick<AppSettings, 'name' | 'timeZone'> & { id: string; createdAt: Date };

export async function insertApp(db: Db, app: NewApp): Promise<AppRecord> {
  const row = await db
    .insertInto('apps')
    .values({
      ...toColumns(app),
      id: app.id,
      name: app.name,
      time_zone: app.timeZone,
      stopped_at: null,
      created_at: app.createdAt,
    })
    .returningAll()
    .executeTakeFirstOrThrow();
  return rowToApp(row);
}

export async function findApp(db: Db, id: string): Promise<AppRecord | undefined> {
  const row = await db.selectFrom('apps').selectAll().where('id', '=', id).executeTakeFirst();
  return row && rowToApp(row);
}

export async function updateApp(db: Db, id: string, change: AppChange): Promise<AppRecord | undefined> {
  const columns = toColumns(change);
  if (Object.keys(columns).length === 0) return findApp(db, id);
  const row = await db
    .updateTable('apps')
    .set(columns)
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirst();
  return row && rowToApp(row);
}

function toColumns(change: AppChange) {
  const { approvalTimeLimitMinutes: limit, onApprovalTimeout, approvalReminderMinutes: reminder } = change;
  return {
    ...(limit === undefined ? {} : { approval_limit_minutes: limit }),
    ...(onApprovalTimeout === undefined ? {} : { on_approval_timeout: onApprovalTimeout }),
    ...(reminder === undefined ? {} : { approval_reminder_minutes: reminder }),
    ...(change.name === undefined ? {} : { name: change.name }),
    ...(change.timeZone === undefined ? {} : { time_zone: change.timeZone }),
    ...(change.signalApproval === undefined ? {} : { signal_approval: change.signalApproval }),
    ...(change.makerMayApprove === undefined ? {} : { maker_may_approve: change.makerMayApprove }),
    ...(change.approverRoles === undefined ? {} : { approver_roles: change.approverRoles }),
    ...(change.approvalsRequired === undefined ? {} : { approvals_required: change.approvalsRequired }),
  };
}

function rowToApp(row: Selectable<AppsTable>): AppRecord {
  return {
    id: row.id,
    name: row.name,
    timeZone: row.time_zone,
    signalApproval: row.signal_approval,
    makerMayApprove: row.maker_may_approve,
    approverRoles: row.approver_roles,
    approvalsRequired: row.approvals_required,
    approvalTimeLimitMinutes: row.approval_limit_minutes,
    onApprovalTimeout: row.on_approval_timeout,
    approvalReminderMinutes: row.approval_reminder_minutes,
    createdAt: row.created_at,
  };
}
