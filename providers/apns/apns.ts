import type { Message } from '../../domain/content/content.ts';
import { MAX_PAYLOAD_BYTES } from '../../domain/content/payload-size.ts';
import type { ApnsCredential } from '../../domain/pushes/credentials.ts';
import type { Outcome } from '../../domain/pushes/outcome.ts';
import { type Clock, systemClock } from '../clock.ts';
import type { Answer } from '../h2/h2-exchange.ts';
import { H2Pool } from '../h2/h2-pool.ts';
import type { H2PoolOptions } from '../h2/h2-pool-options.ts';
import { HoldOff } from '../h2/hold-off.ts';
import { oncePerContent } from '../once-per-content.ts';
import type { Addressee, Endpoint, Gate, PushService } from '../push-service.ts';
import { outcomeOf } from '../verdict.ts';
import { createApnsHeads } from './apns-heads.ts';
import { readApnsAnswer } from './apns-outcomes.ts';
import { apnsPayload, apnsTemplate } from './apns-payload.ts';
import { ApnsTokens } from './apns-tokens.ts';

/** APNs allows about 1,000 streams. No connection needs more than this number. */
const MAX_STREAMS = 250;
const DEVICE_TOKEN = /^[0-9a-fA-F]{2,200}$/;
const COLLAPSE_ID = /^[\x21-\x7e]{1,64}$/;

export function openApns(
  credential: ApnsCredential,
  endpoint: Endpoint,
  clock: Clock = systemClock,
  options: H2PoolOptions = {},
): PushService {
  const pool = new H2Pool(endpoint, { maxStreams: MAX_STREAMS, ...options });
  const tokens = new ApnsTokens(credential, clock);
  const holdOff = new HoldOff(clock);
  const waits = { holdOff, clock };
  const templateOf = oncePerContent(apnsTemplate);

  const headOf = createApnsHeads(credential.topic);

  function post(content: Message, to: Addressee, token: string, body: string, gate: Gate): Promise<Answer> {
    const head = headOf(content, token, to.collapseId, clock());
    return pool.request({ head, path: `/3/device/${to.token}`, body }, gate);
  }

  return {
    async send(content, to, gate): Promise<Outcome> {
      if (holdOff.active) return holdOff.outcome;
      if (!DEVICE_TOKEN.test(to.token)) {
        return { kind: 'rejected', reason: 'BadDeviceToken', token: 'doubtful' };
      }
      if (!COLLAPSE_ID.test(to.collapseId)) {
        return { kind: 'refused', reason: 'BadCollapseId', fault: 'message' };
      }
      const template = templateOf(content);
      if (template.bytes + Buffer.byteLength(to.messageId) + 2 > MAX_PAYLOAD_BYTES) {
        return { kind: 'refused', reason: 'PayloadTooLarge', fault: 'message' };
      }
      const body = apnsPayload(template, to.messageId);
      const held = holdOff.before(gate);
      const token = await tokens.current();
      const answer = await post(content, to, token, body, held);
      if (!isExpired(answer)) return outcomeOf(answer, readApnsAnswer, waits, to.token);
      await tokens.forget(token);
      const second = await post(content, to, await tokens.current(), body, held);
      return outcomeOf(second, readApnsAnswer, waits, to.token);
    },
    get trouble() {
      return pool.trouble;
    },
    recheck: () => pool.recheck(),
    close: () => pool.close(),
  };
}

function isExpired(answer: Answer): boolean {
  return (
    answer.kind === 'answer' &&
    answer.status === 403 &&
    readApnsAnswer(answer).reason === 'ExpiredProviderToken'
  );
}
