import type { FastifyRequest } from 'fastify';
import { insertAct } from '../db/audit.ts';
import type { Db } from '../db/database.ts';
import type { App } from './deps.ts';
import { originOf } from './origin.ts';

/**
 * The verb under which the audit holds what an operation does; null where there is no act of a person to hold. The only
 * place that says so: an operation that changes something and is not named here keeps the API from starting.
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
  // What devices, vendors and the app's own backend report.
  registerDevice: null,
  refreshDevice: null,
  unsubscribeDevice: null,
  resubscribeDevice: null,
  bindUser: null,
  unbindUser: null,
  reportEvents: null,
  reportReceipts: null,
  takeVendorReceipts: null,
  // What reads or counts, and changes nothing.
  lookUpDevices: null,
  estimateAudience: null,
  refreshAudience: null,
  previewContent: null,
} as const satisfies Record<string, string | null>;

const VERBS: Readonly<Record<string, string | null>> = AUDIT_ACTIONS;
const CHANGING: readonly unknown[] = ['POST', 'PUT', 'PATCH', 'DELETE'];

interface Act {
  readonly now: Date;
  /** Never a secret, a user or a device: the audit is kept for ever. */
  readonly detail?: string;
  /** Of an administrator's act: a person's is on the app of their key. */
  readonly appId?: string;
  readonly taskId?: string;
  readonly revision?: number;
}

/** Writes into the audit what this request does, in the transaction that does it. */
export async function recordAuditEntry(db: Db, request: FastifyRequest, { now, ...act }: Act): Promise<void> {
  const verb = VERBS[operationOf(request) ?? ''];
  if (verb == null) throw new Error(`${operationOf(request)} has no verb in AUDIT_ACTIONS`);
  const origin = originOf(request, now, act.appId);
  const personId = request.caller?.kind === 'person' ? request.caller.personId : null;
  await insertAct(db, { ...act, appId: origin.appId, personId, verb, origin, now });
}

/** No changing route without a line in AUDIT_ACTIONS, and no success of one that should be in the audit and is not. */
export function enforceAuditTrail(app: App): void {
  app.decorateRequest('hasOrigin', false);
  app.addHook('onRoute', ({ method, url, schema }) => {
    const isChanging = [method].flat().some((name) => CHANGING.includes(name));
    if (!isChanging || schema?.hide === true || (schema?.operationId ?? '') in AUDIT_ACTIONS) return;
    throw new Error(`${url}: AUDIT_ACTIONS has to say what ${schema?.operationId} is in the audit`);
  });
  app.addHook('onSend', async (request, reply, payload) => {
    const isAct = reply.statusCode < 300 && VERBS[operationOf(request) ?? ''] != null;
    const isReplayed = reply.hasHeader('idempotency-replayed');
    if (isAct && !isReplayed && !request.hasOrigin) {
      throw new Error(`${operationOf(request)} is not in the audit`);
    }
    return payload;
  });
}

function operationOf(request: FastifyRequest): string | undefined {
  return request.routeOptions.schema?.operationId;
}
