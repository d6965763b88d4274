import { createHash } from 'node:crypto';
import type { Channel } from '../../domain/platform.ts';
import { apnsPayload, apnsTemplate } from '../../providers/apns/apns-payload.ts';
import { ApnsTokens } from '../../providers/apns/apns-tokens.ts';
import { systemClock } from '../../providers/clock.ts';
import { fcmPayload, fcmTemplate } from '../../providers/fcm/fcm-payload.ts';
import { FcmTokens } from '../../providers/fcm/fcm-tokens.ts';
import { isIos } from '../lib/devices.ts';
import type { Target } from '../lib/target.ts';

export interface BareRequest {
  readonly path: string;
  readonly headers: readonly string[];
  readonly body: string;
}

export interface Message {
  readonly token: string;
  readonly messageId: string;
}

/** The product's requests, byte for byte except for the digits of the IDs. */
export type Requests = Readonly<Record<Channel, (message: Message) => BareRequest>>;

const MESSAGE_ID_LENGTH = 36;
const COLLAPSE_ID = 'push-0123456789-1';

export async function createRequests(target: Target): Promise<Requests> {
  const { credentials, content } = target;
  const apnsToken = await new ApnsTokens(credentials.apns, systemClock).current();
  const endpoint = { url: new URL(target.fcmTokenUrl), ca: target.ca };
  const grant = await new FcmTokens(credentials.fcm, endpoint, systemClock).current();
  if (grant.kind !== 'granted') throw new Error('the token endpoint of the simulators gave no token');
  const forApns = apnsTemplate(content);
  const forFcm = fcmTemplate(content);
  const expiration = String(Math.floor(Date.now() / 1000) + content.ttlSeconds);
  const apnsHeaders = [
    ...['authorization', `bearer ${apnsToken}`, 'apns-topic', credentials.apns.topic],
    ...['apns-push-type', 'alert', 'apns-priority', '10', 'apns-expiration', expiration],
    ...['apns-collapse-id', COLLAPSE_ID],
  ];
  const fcmHeaders = ['authorization', `Bearer ${grant.accessToken}`, 'content-type', 'application/json'];
  const fcmPath = `/v1/projects/${credentials.fcm.project_id}/messages:send`;
  return {
    apns: ({ token, messageId }) => ({
      path: `/3/device/${token}`,
      headers: apnsHeaders,
      body: apnsPayload(forApns, messageId),
    }),
    fcm: ({ token, messageId }) => ({
      path: fcmPath,
      headers: fcmHeaders,
      body: fcmPayload(forFcm, { token, messageId, collapseId: COLLAPSE_ID }),
    }),
  };
}

/** A message for one use, because the simulators count duplicates. */
export function bareMessage(n: number, channel: Channel): Message {
  return { token: tokenOf(n, channel), messageId: `bare${n}`.padEnd(MESSAGE_ID_LENGTH, '_') };
}

/** A token as long and as random as those in the product's database. */
function tokenOf(n: number, channel: Channel): string {
  const digits = createHash('sha256').update(`bare ${n}`).digest('hex');
  if (channel === 'apns') return digits;
  return `${digits.slice(0, 22)}:APA91b${createHash('sha512').update(`bare ${n}`).digest('hex')}`;
}

/** The requests to each service, made before the clock starts. */
export function makeRequests(
  requests: Requests,
  numbers: { from: number; count: number },
  platforms: Target['platforms'],
): { apns: BareRequest[]; fcm: BareRequest[] } {
  const made: { apns: BareRequest[]; fcm: BareRequest[] } = { apns: [], fcm: [] };
  for (let n = numbers.from; n < numbers.from + numbers.count; n++) {
    const channel = isIos(n, platforms) ? 'apns' : 'fcm';
    made[channel].push(requests[channel](bareMessage(n, channel)));
  }
  return made;
}
