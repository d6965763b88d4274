import { randomUUID } from 'node:crypto';
import { type Switches, switchedAnswer } from '../config.ts';
import { type Decision, happens, type PushRequest } from '../push-answer.ts';
import { json, object, text } from '../read.ts';
import { tokenFate } from '../tokens.ts';
import type { FcmAccounts } from './fcm-accounts.ts';
import { type Violation, violationOf } from './fcm-schema.ts';

const PATH = /^\/v1\/projects\/([^/]+)\/messages:send$/;
const REGISTRATION_TOKEN = /^[\w:-]{20,4096}$/;
const FCM_ERROR = 'type.googleapis.com/google.firebase.fcm.v1.FcmError';
const BAD_REQUEST = 'type.googleapis.com/google.rpc.BadRequest';

interface Fault {
  readonly code: number;
  /** The canonical status of google.rpc. */
  readonly status: string;
  readonly message: string;
  /** FCM's own code, which the log shows as the reason. */
  readonly errorCode?: string;
  readonly violation?: Violation;
  /** The whole body of the answer, in place of Google's. */
  readonly body?: string;
}

const UNAUTHENTICATED: Fault = {
  code: 401,
  status: 'UNAUTHENTICATED',
  message: 'Request had invalid authentication credentials.',
};
const FAULTS = {
  UNREGISTERED: { code: 404, status: 'NOT_FOUND', message: 'Requested entity was not found.' },
  INVALID_ARGUMENT: {
    code: 400,
    status: 'INVALID_ARGUMENT',
    message: 'The registration token is not a valid FCM registration token',
  },
  SENDER_ID_MISMATCH: { code: 403, status: 'PERMISSION_DENIED', message: 'SenderId mismatch' },
  QUOTA_EXCEEDED: { code: 429, status: 'RESOURCE_EXHAUSTED', message: 'Sending limit exceeded.' },
  UNAVAILABLE: { code: 503, status: 'UNAVAILABLE', message: 'The service is currently unavailable.' },
  INTERNAL: { code: 500, status: 'INTERNAL', message: 'Internal error encountered.' },
  THIRD_PARTY_AUTH_ERROR: {
    code: 401,
    status: 'UNAUTHENTICATED',
    message: 'Request is missing required authentication credential.',
  },
} as const;

/** Answers requests as strictly as the FCM HTTP v1 API does. */
export function createFcmDecider(
  accounts: FcmAccounts,
  switches: Switches,
): (request: PushRequest) => Decision {
  return ({ headers, body }) => {
    const request = json(body);
    const message = object(object(request)?.['message']);
    const token = string(message?.['token']);
    const messageId = string(object(message?.['data'])?.['messageId']);
    const project = PATH.exec(headers[':path'] ?? '')?.[1];
    const fault =
      pathFault(headers[':method'], project) ??
      authFault(accounts.projectOf(text(headers.authorization)), project, switches) ??
      bodyFault(request) ??
      tokenFault(token, switches) ??
      switchedFault(token, switches);
    if (fault !== undefined) return refusal(fault, token, messageId, switches);
    return {
      status: 200,
      reason: '',
      token,
      messageId,
      body: JSON.stringify({ name: `projects/${project}/messages/${randomUUID()}` }),
    };
  };
}

function pathFault(method: string | undefined, project: string | undefined): Fault | undefined {
  if (method === 'POST' && project !== undefined) return undefined;
  return { code: 404, status: 'NOT_FOUND', message: 'The requested URL was not found on this server.' };
}

function authFault(
  granted: string | undefined,
  project: string | undefined,
  { credentialRevoked }: Switches,
): Fault | undefined {
  if (granted === undefined || credentialRevoked) return UNAUTHENTICATED;
  if (granted === project) return undefined;
  return {
    code: 403,
    status: 'PERMISSION_DENIED',
    message: `Permission 'cloudmessaging.messages.create' denied on resource '//cloudresourcemanager.googleapis.com/projects/${project}'.`,
  };
}

function bodyFault(request: unknown): Fault | undefined {
  const violation = violationOf(request);
  if (violation === undefined) return undefined;
  return { code: 400, status: 'INVALID_ARGUMENT', message: violation.description, violation };
}

function tokenFault(token: string, switches: Switches): Fault | undefined {
  if (!REGISTRATION_TOKEN.test(token) || switches.badTokens.includes(token)) return fcm('INVALID_ARGUMENT');
  if (switches.unregisteredTokens.includes(token)) return fcm('UNREGISTERED');
  if (switches.foreignTokens.includes(token)) return fcm('SENDER_ID_MISMATCH');
  const fate = tokenFate(token, switches);
  if (fate === 'good') return undefined;
  return fcm(fate === 'bad' ? 'INVALID_ARGUMENT' : 'UNREGISTERED');
}

function switchedFault(token: string, switches: Switches): Fault | undefined {
  const answer = switchedAnswer(switches, token);
  if (answer !== undefined) {
    const { status: code, reason, body } = answer;
    const more = body === undefined ? { code } : { code, body };
    if (reason in FAULTS) return { ...fcm(reason as keyof typeof FAULTS), ...more };
    return { status: reason, message: reason, ...more };
  }
  if (happens(switches.shareThrottled)) return fcm('QUOTA_EXCEEDED');
  return happens(switches.shareUnavailable) ? fcm('UNAVAILABLE') : undefined;
}

function fcm(errorCode: keyof typeof FAULTS): Fault {
  return { ...FAULTS[errorCode], errorCode };
}

function refusal(fault: Fault, token: string, messageId: string, { retryAfterSeconds }: Switches): Decision {
  const { code, status, message, errorCode, violation } = fault;
  const details = [
    ...(errorCode === undefined ? [] : [{ '@type': FCM_ERROR, errorCode }]),
    ...(violation === undefined ? [] : [{ '@type': BAD_REQUEST, fieldViolations: [violation] }]),
  ];
  const error = { code, message, status, ...(details.length === 0 ? {} : { details }) };
  const waits = (code === 429 || code === 503) && retryAfterSeconds !== null;
  return {
    status: code,
    reason: errorCode ?? status,
    token,
    messageId,
    ...(waits ? { headers: { 'retry-after': String(retryAfterSeconds) } } : {}),
    body: fault.body ?? JSON.stringify({ error }),
  };
}

function string(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
