import type { Message } from '../../domain/content/content.ts';
import { MAX_PAYLOAD_BYTES } from '../../domain/content/payload-size.ts';
import type { FcmCredential } from '../../domain/pushes/credentials.ts';
import type { Outcome } from '../../domain/pushes/outcome.ts';
import { type Clock, systemClock } from '../clock.ts';
import { type RequestHead, requestHead } from '../connection/request-head.ts';
import type { Answer } from '../h2/h2-exchange.ts';
import { H2Pool } from '../h2/h2-pool.ts';
import type { H2PoolOptions } from '../h2/h2-pool-options.ts';
import { HoldOff } from '../h2/hold-off.ts';
import { oncePerContent } from '../once-per-content.ts';
import type { Endpoint, Gate, PushService } from '../push-service.ts';
import { outcomeOf } from '../verdict.ts';
import { readFcmAnswer } from './fcm-outcomes.ts';
import { fcmPayload, fcmTemplate } from './fcm-payload.ts';
import { FcmTokens } from './fcm-tokens.ts';

export interface FcmEndpoints {
  readonly api: Endpoint;
  readonly token: Endpoint;
}

export function openFcm(
  credential: FcmCredential,
  endpoints: FcmEndpoints,
  clock: Clock = systemClock,
  options: H2PoolOptions = {},
): PushService {
  const pool = new H2Pool(endpoints.api, options);
  const tokens = new FcmTokens(credential, endpoints.token, clock);
  const holdOff = new HoldOff(clock);
  const waits = { holdOff, clock };
  const templateOf = oncePerContent(fcmTemplate);
  const path = `/v1/projects/${credential.project_id}/messages:send`;

  let head: RequestHead | undefined;
  let headOf = '';

  function post(accessToken: string, body: string, gate: Gate): Promise<Answer> {
    if (head === undefined || headOf !== accessToken) {
      head = requestHead(['authorization', `Bearer ${accessToken}`, 'content-type', 'application/json']);
      headOf = accessToken;
    }
    return pool.request({ head, path, body }, gate);
  }

  return {
    async send(content: Message, to, gate): Promise<Outcome> {
      if (holdOff.active) return holdOff.outcome;
      const template = templateOf(content);
      if (template.bytes + Buffer.byteLength(to.messageId) + 2 > MAX_PAYLOAD_BYTES) {
        return { kind: 'refused', reason: 'PayloadTooLarge', fault: 'message' };
      }
      const grant = await tokens.current();
      if (grant.kind !== 'granted') return grant;
      const held = holdOff.before(gate);
      const body = fcmPayload(template, to);
      const answer = await post(grant.accessToken, body, held);
      if (!isUnauthenticated(answer)) return outcomeOf(answer, readFcmAnswer, waits, to.token);
      await tokens.forget(grant.accessToken);
      const renewed = await tokens.current();
      if (renewed.kind !== 'granted') return renewed;
      const second = await post(renewed.accessToken, body, held);
      return outcomeOf(second, readFcmAnswer, waits, to.token);
    },
    get trouble() {
      return tokens.trouble ?? pool.trouble;
    },
    recheck: () => pool.recheck(),
    close: () => pool.close(),
  };
}

/** Whether FCM rejected the access token. A 401 may also blame a credential of Firebase's own. */
function isUnauthenticated(answer: Answer): boolean {
  if (answer.kind !== 'answer' || answer.status !== 401) return false;
  return readFcmAnswer(answer).reason === 'UNAUTHENTICATED';
}
