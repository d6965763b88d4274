import type { FastifyRequest } from 'fastify';
import { insertAuditEntry } from '../../db/audit/audit.ts';
import type { Db } from '../../db/core/database.ts';
import type { App } from '../http/deps.ts';
import { originOf } from './origin.ts';

/**
 * The audit action of each operation that changes something, or null where no person acts. A route names its action
 * through this table. The API does not start when a changing route names none.
 */
export const AUDIT_ACTIONS = {
  createApp: 'create_app',
  changeApp: 'change_app',
  stopApp: 'stop_app',
  resumeApp: 'resume_app',
  createKey: 'create_key',
  revokeKey: 'revoke_key',
  putApnsCredential: 'set_credential',
  putFcmCredential: 'set_credential',
  setCredentialRate: 'set_credential_rate',
  putUserTokenKey: 'set_user_token_key',
  deleteUserTokenKey: 'delete_user_token_key',
  createVendorKey: 'create_vendor_key',
  revokeVendorKey: 'revoke_vendor_key',
  putContactRules: 'set_contact_rules',
  eraseUsers: 'erase_users',
  deleteDevice: 'delete_device',
  importDevices: 'import_devices',
  exportDevices: 'export_devices',
  exportDeliveries: 'export_deliveries',
  createAudience: 'create_audience',
  changeAudience: 'change_audience',
  archiveAudience: 'archive_audience',
  uploadAudience: 'upload_audience',
  uploadAudienceVersion: 'upload_audience',
  createResultAudience: 'create_audience',
  createSubgroup: 'create_subgroup',
  changeSubgroup: 'change_subgroup',
  deleteSubgroup: 'delete_subgroup',
  createSubCampaign: 'create_sub_campaign',
  renameSubCampaign: 'rename_sub_campaign',
  deleteSubCampaign: 'delete_sub_campaign',
  createTask: 'create',
  copyTask: 'copy',
  editTask: 'edit',
  deleteTask: 'delete',
  submitTask: 'submit',
  withdrawTask: 'withdraw',
  approveTask: 'approve',
  approveTasks: 'approve',
  rejectTask: 'reject',
  rejectTasks: 'reject',
  sendTask: 'send',
  pauseTask: 'pause',
  resumeTask: 'resume',
  cancelTask: 'cancel',
  setTaskRate: 'set_rate',
  putTestDevices: 'set_test_devices',
  testTask: 'test_send',
  createWebhook: 'create_webhook',
  changeWebhook: 'change_webhook',
  deleteWebhook: 'delete_webhook',
  rotateWebhookSecret: 'rotate_webhook_secret',
  replayWebhook: 'replay_webhook',
  replayFailedWebhooks: 'replay_webhook',
  pingWebhook: 'ping_webhook',
  // Reports of devices, vendors and the app's own backend.
  registerDevice: null,
  refreshDevice: null,
  unsubscribeDevice: null,
  resubscribeDevice: null,
  bindUser: null,
  unbindUser: null,
  reportEvents: null,
  reportReceipts: null,
  takeVendorReceipts: null,
  // Operations that read or count, and change nothing.
  lookUpDevices: null,
  estimateAudience: null,
  refreshAudience: null,
  previewContent: null,
  createStreamTicket: null,
} as const satisfies Record<string, string | null>;

/** An action that the audit records. */
export type AuditAction = NonNullable<(typeof AUDIT_ACTIONS)[keyof typeof AUDIT_ACTIONS]>;

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Null for a route that changes something without a person. */
    auditAction?: AuditAction | null;
  }
}

const CHANGING: readonly unknown[] = ['POST', 'PUT', 'PATCH', 'DELETE'];

interface AuditEntry {
  readonly now: Date;
  /** Must not contain a secret, a user or a device, because audit entries are never deleted. */
  readonly detail?: string;
  /** For an administrator, whose key belongs to no app. */
  readonly appId?: string;
  readonly taskId?: string;
  readonly revision?: number;
}

/** Records the action of the request's route, in the transaction that makes the change. */
export async function recordAuditEntry(
  db: Db,
  request: FastifyRequest,
  { now, ...entry }: AuditEntry,
): Promise<void> {
  const action = request.routeOptions.config.auditAction;
  if (action == null)
    throw new Error(`${operationOf(request)}: the route names no audit action, so no entry can be recorded`);
  const origin = originOf(request, now, entry.appId);
  const personId = request.caller?.kind === 'person' ? request.caller.personId : null;
  await insertAuditEntry(db, { ...entry, appId: origin.appId, personId, action, origin, now });
}

/** Refuses changing routes that name no audit action, and successful answers whose audit entry is missing. */
export function enforceAuditTrail(app: App): void {
  app.decorateRequest('hasOrigin', false);
  app.addHook('onRoute', ({ method, url, schema, config }) => {
    const isChanging = [method].flat().some((name) => CHANGING.includes(name));
    if (!isChanging || schema?.hide === true || config?.auditAction !== undefined) return;
    throw new Error(
      `${url}: the route must name an audit action; add ${schema?.operationId} to AUDIT_ACTIONS`,
    );
  });
  app.addHook('onSend', async (request, reply, payload) => {
    const isAudited = reply.statusCode < 300 && request.routeOptions.config.auditAction != null;
    const isReplayed = reply.hasHeader('idempotency-replayed');
    if (isAudited && !isReplayed && !request.hasOrigin) {
      throw new Error(
        `${operationOf(request)}: no audit entry was recorded; call recordAuditEntry in the transaction`,
      );
    }
    return payload;
  });
}

function operationOf(request: FastifyRequest): string | undefined {
  return request.routeOptions.schema?.operationId;
}
