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

/** @see https://developer.apple.com/documentation/usernotifications/handling-notification-responses-from-apns */
const BY_REASON: ReadonlyMap<string, Verdict> = new Map([
  ['BadDeviceToken', DOUBTFUL_TOKEN],
  ['DeviceTokenNotForTopic', DOUBTFUL_TOKEN],
  ['Unregistered', GONE_TOKEN],
  ['ExpiredToken', GONE_TOKEN],

  ['BadCollapseId', BAD_MESSAGE],
  ['BadExpirationDate', BAD_MESSAGE],
  ['BadMessageId', BAD_MESSAGE],
  ['BadPath', BAD_MESSAGE],
  ['BadPriority', BAD_MESSAGE],
  ['DuplicateHeaders', BAD_MESSAGE],
  ['InvalidPushType', BAD_MESSAGE],
  ['MethodNotAllowed', BAD_MESSAGE],
  ['MissingDeviceToken', BAD_MESSAGE],
  ['PayloadEmpty', BAD_MESSAGE],
  ['PayloadTooLarge', BAD_MESSAGE],
  ['Forbidden', BAD_MESSAGE],

  ['BadTopic', BAD_CREDENTIAL],
  ['MissingTopic', BAD_CREDENTIAL],
  ['TopicDisallowed', BAD_CREDENTIAL],
  ['BadCertificate', BAD_CREDENTIAL],
  ['BadCertificateEnvironment', BAD_CREDENTIAL],
  ['BadEnvironmentKeyInToken', BAD_CREDENTIAL],
  ['ExpiredProviderToken', BAD_CREDENTIAL],
  ['InvalidProviderToken', BAD_CREDENTIAL],
  ['MissingProviderToken', BAD_CREDENTIAL],

  ['TooManyRequests', { kind: 'retry_later', afterMs: 10_000, holdsAll: 'never' }],
  ['TooManyProviderTokenUpdates', { kind: 'retry_later', afterMs: 300_000, holdsAll: 'always' }],
  ['IdleTimeout', TRANSIENT],
  ['InternalServerError', TRANSIENT],
  ['ServiceUnavailable', TRANSIENT],
  ['Shutdown', TRANSIENT],
]);

/** Verdicts for reasons that the table does not know. */
const BY_STATUS: ReadonlyMap<number, Verdict> = new Map([
  [410, GONE_TOKEN],
  [429, { kind: 'retry_later', afterMs: 10_000, holdsAll: 'if_told' }],
  [500, TRANSIENT],
  [503, TRANSIENT],
]);

const MAX_TIMESTAMP = Date.UTC(9999, 0);
const Body = z.object({
  reason: z.string().optional().catch(undefined),
  timestamp: z.number().min(0).max(MAX_TIMESTAMP).optional().catch(undefined),
});

export function readApnsAnswer(answer: ServiceAnswer): Reading {
  const parsed = Body.safeParse(jsonBody(answer));
  const reason = reasonOr(answer.status, parsed.data?.reason);
  const verdict = BY_REASON.get(reason) ?? verdictOfStatus(answer.status, BY_STATUS);
  const timestamp = parsed.data?.timestamp;
  return { verdict, reason, ...(timestamp === undefined ? {} : { staleSince: new Date(timestamp) }) };
}
