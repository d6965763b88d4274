import { z } from 'zod';
import {
  BAD_CREDENTIAL,
  BAD_REQUEST,
  DOUBTFUL_TOKEN,
  GONE_TOKEN,
  jsonBody,
  type Reading,
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
  ['INVALID_ARGUMENT', BAD_REQUEST],
  ['THIRD_PARTY_AUTH_ERROR', BAD_CREDENTIAL],
  ['UNAUTHENTICATED', BAD_CREDENTIAL],
  ['PERMISSION_DENIED', BAD_CREDENTIAL],
  ['NOT_FOUND', BAD_CREDENTIAL],
  ['QUOTA_EXCEEDED', { kind: 'retry_later', afterMs: QUOTA_WAIT_MS, holdsAll: 'always' }],
  ['RESOURCE_EXHAUSTED', { kind: 'retry_later', afterMs: QUOTA_WAIT_MS, holdsAll: 'always' }],
  ['UNAVAILABLE', TRANSIENT],
  ['INTERNAL', TRANSIENT],
]);

/** Verdicts for reasons that the table does not know. */
const BY_STATUS: ReadonlyMap<number, Verdict> = new Map([
  [401, BAD_CREDENTIAL],
  [403, BAD_CREDENTIAL],
  [429, { kind: 'retry_later', afterMs: QUOTA_WAIT_MS, holdsAll: 'always' }],
  [500, TRANSIENT],
  [503, TRANSIENT],
]);

const Detail = z.object({
  '@type': z.string(),
  errorCode: z.string().optional(),
  fieldViolations: z.array(z.object({ field: z.string().optional() })).optional(),
});

const Body = z.object({
  error: z.object({
    status: z.string().optional(),
    message: z.string().default(''),
    details: z.array(Detail).default([]),
  }),
});

type GoogleError = z.infer<typeof Body>['error'];

export function readFcmAnswer(answer: ServiceAnswer): Reading {
  const error = Body.safeParse(jsonBody(answer)).data?.error;
  const reason = (error && reasonOf(error)) ?? `HTTP ${answer.status}`;
  return { verdict: BY_REASON.get(reason) ?? verdictOfStatus(answer.status, BY_STATUS), reason };
}

function reasonOf(error: GoogleError): string | undefined {
  const code = error.details.find((detail) => detail.errorCode !== undefined)?.errorCode ?? error.status;
  return code === 'INVALID_ARGUMENT' && blamesToken(error) ? 'INVALID_REGISTRATION_TOKEN' : code;
}

/** FCM answers INVALID_ARGUMENT for a malformed message and for a malformed token alike. */
function blamesToken(error: GoogleError): boolean {
  const violations = error.details.flatMap((detail) => detail.fieldViolations ?? []);
  if (violations.length > 0) return violations.every(({ field }) => field === 'message.token');
  return /not a valid FCM registration token/i.test(error.message);
}
