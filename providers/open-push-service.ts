import { createPrivateKey } from 'node:crypto';
import { z } from 'zod';
import type { Channel } from '../domain/platform.ts';
import { checkedCredentials } from '../domain/pushes/credentials.ts';
import { openApns } from './apns/apns.ts';
import { type Clock, systemClock } from './clock.ts';
import type { Http2Client } from './connection/h2-connection.ts';
import { openFcm } from './fcm/fcm.ts';
import type { Endpoint, PushService } from './push-service.ts';

const CREDENTIALS = checkedCredentials(createPrivateKey);

export interface Endpoints {
  readonly apns: Endpoint;
  readonly fcm: Endpoint;
  readonly fcmToken: Endpoint;
}

export class CredentialError extends Error {
  override name = 'CredentialError';
}

/**
 * Opens the push service of a channel; throws a `CredentialError` that lists every fault of the credential.
 */
export function openPushService(
  channel: Channel,
  credential: unknown,
  endpoints: Endpoints,
  { clock = systemClock, http2 = 'own' }: { readonly clock?: Clock; readonly http2?: Http2Client } = {},
): PushService {
  switch (channel) {
    case 'apns':
      return openApns(parse(channel, CREDENTIALS.apns, credential), endpoints.apns, clock, { client: http2 });
    case 'fcm': {
      const { fcm: api, fcmToken: token } = endpoints;
      return openFcm(parse(channel, CREDENTIALS.fcm, credential), { api, token }, clock, { client: http2 });
    }
  }
}

function parse<T>(channel: Channel, schema: z.ZodType<T>, credential: unknown): T {
  const parsed = schema.safeParse(credential);
  if (parsed.success) return parsed.data;
  throw new CredentialError(`The ${channel} credential is not valid:\n${z.prettifyError(parsed.error)}`);
}
