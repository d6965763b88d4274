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

/** @see https://developer.apple.com/documentation/usernotifications/handling-notification-responses-from-apns */
const BY_REASON: ReadonlyMap<string, Verdict> = new Map([
  ['BadDeviceToken', DOUBTFUL_TOKEN],
  ['DeviceTokenNotForTopic', DOUBTFUL_TOKEN],
  ['Unregistered', GONE_TOKEN],
  ['ExpiredToken', GONE_TOKEN],

  ['BadCollapseId', BAD_REQUEST],
  ['BadExpirationDate', BAD_REQUEST],
  ['BadMessageId', BAD_REQUEST],
  ['BadPath', BAD_REQUEST],
  ['BadPriority', BAD_REQUEST],
  ['BadTopic', BAD_REQUEST],
  ['DuplicateHeaders', BAD_REQUEST],
  ['InvalidPushType', BAD_REQUEST],
  ['MethodNotAllowed', BAD_REQUEST],
  ['MissingDeviceToken', BAD_REQUEST],
  ['MissingTopic', BAD_REQUEST],
  ['PayloadEmpty', BAD_REQUEST],
  ['PayloadTooLarge', BAD_REQUEST],
  ['TopicDisallowed', BAD_REQUEST],

  ['BadCertificate', BAD_CREDENTIAL],
  ['BadCertificateEnvironment', BAD_CREDENTIAL],
  ['BadEnvironmentKeyInToken', BAD_CREDENTIAL],
  ['ExpiredProviderToken', BAD_CREDENTIAL],
  ['Forbidden', BAD_CREDENTIAL],
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
  [403, BAD_CREDENTIAL],
  [410, GONE_TOKEN],
  [429, { kind: 'retry_later', afterMs: 10_000, holdsAll: 'if_told' }],
  [500, TRANSIENT],
  [503, TRANSIENT],
]);

const Body = z.object({ reason: z.string(), timestamp: z.number().optional() });

export function readApnsAnswer(answer: ServiceAnswer): Reading {
  const parsed = Body.safeParse(jsonBody(answer));
  const reason = parsed.data?.reason ?? `HTTP ${answer.status}`;
  const verdict = BY_REASON.get(reason) ?? verdictOfStatus(answer.status, BY_STATUS);
  const timestamp = parsed.data?.timestamp;
  return { verdict, reason, ...(timestamp === undefined ? {} : { staleSince: new Date(timestamp) }) };
}
