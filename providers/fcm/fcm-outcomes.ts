import { z } from 'zod';
import {
  BAD_CREDENTIAL,
  BAD_MESSAGE,
  DOUBTFUL_TOKEN,
  GONE_TOKEN,
  jsonBody,
  type Reading,
  reasonOr,
  type ServiceAnswer,
  TRANSIENT,
  type Verdict,
  verdictOfStatus,
} from '../verdict.ts';

/** FCM's own advice where a 429 brings no Retry-After. */
const QUOTA_WAIT_MS = 60_000;

/** @see https://firebase.google.com/docs/cloud-messaging/error-codes */
const BY_REASON: ReadonlyMap<string, Verdict> = new Map([
  ['UNREGISTERED', GONE_TOKEN],
  ['SENDER_ID_MISMATCH', DOUBTFUL_TOKEN],
  ['INVALID_REGISTRATION_TOKEN', DOUBTFUL_TOKEN],
  ['INVALID_ARGUMENT', BAD_MESSAGE],
  ['THIRD_PARTY_AUTH_ERROR', BAD_MESSAGE],
  ['UNAUTHENTICATED', BAD_CREDENTIAL],
  ['PERMISSION_DENIED', BAD_CREDENTIAL],
  ['NOT_FOUND', BAD_MESSAGE],
  ['QUOTA_EXCEEDED', { kind: 'retry_later', afterMs: QUOTA_WAIT_MS, holdsAll: 'always' }],
  ['DEVICE_QUOTA_EXCEEDED', { kind: 'retry_later', afterMs: QUOTA_WAIT_MS, holdsAll: 'never' }],
  ['RESOURCE_EXHAUSTED', { kind: 'retry_later', afterMs: QUOTA_WAIT_MS, holdsAll: 'always' }],
  ['UNAVAILABLE', TRANSIENT],
  ['INTERNAL', TRANSIENT],
]);

/** Verdicts for reasons that the table does not know. */
const BY_STATUS: ReadonlyMap<number, Verdict> = new Map([
  [429, { kind: 'retry_later', afterMs: QUOTA_WAIT_MS, holdsAll: 'always' }],
  [500, TRANSIENT],
  [503, TRANSIENT],
]);

/** A quota that was exceeded. */
const Violation = z.object({ description: z.string().catch('') });

const Detail = z.object({
  errorCode: z.string().optional().catch(undefined),
  fieldViolations: z
    .array(z.object({ field: z.string().optional() }))
    .optional()
    .catch(undefined),
  violations: z.array(Violation).optional().catch(undefined),
});

const Body = z.object({
  error: z.object({
    status: z.string().optional().catch(undefined),
    message: z.string().catch(''),
    details: z.array(Detail).catch([]),
  }),
});

type GoogleError = z.infer<typeof Body>['error'];

export function readFcmAnswer(answer: ServiceAnswer): Reading {
  const error = Body.safeParse(jsonBody(answer)).data?.error;
  const reason = reasonOr(answer.status, error && reasonOf(error));
  return { verdict: BY_REASON.get(reason) ?? verdictOfStatus(answer.status, BY_STATUS), reason };
}

function reasonOf(error: GoogleError): string | undefined {
  const code = error.details.find((detail) => detail.errorCode !== undefined)?.errorCode ?? error.status;
  if (code === 'INVALID_ARGUMENT' && blamesToken(error)) return 'INVALID_REGISTRATION_TOKEN';
  const isQuota = code === 'QUOTA_EXCEEDED' || code === 'RESOURCE_EXHAUSTED';
  return isQuota && isOfDevice(error) ? 'DEVICE_QUOTA_EXCEEDED' : code;
}

/** FCM answers alike when the project or one device gets too many messages. */
function isOfDevice({ details }: GoogleError): boolean {
  const violations = details.flatMap((detail) => detail.violations ?? []);
  return violations.length > 0 && violations.every(({ description }) => /\bdevice\b/i.test(description));
}

/** FCM answers INVALID_ARGUMENT for a malformed message and for a malformed token alike. */
function blamesToken(error: GoogleError): boolean {
  const violations = error.details.flatMap((detail) => detail.fieldViolations ?? []);
  if (violations.length > 0) return violations.every(({ field }) => field === 'message.token');
  return /not a valid FCM registration token/i.test(error.message);
}
