import { randomUUID } from 'node:crypto';
import { type SimulatorConfig, type SwitchedAnswer, type Switches, switchedAnswer } from '../config.ts';
import { type Decision, happens, type PushRequest } from '../push-answer.ts';
import { text } from '../read.ts';
import { tokenFate } from '../tokens.ts';
import { ApnsAuth } from './apns-auth.ts';
import { headerFault, readPayload } from './apns-checks.ts';

const DEVICE_TOKEN = /^[0-9a-fA-F]{64,200}$/;

/** The status of every reason; 400 is the rest. */
const STATUS: ReadonlyMap<string, number> = new Map([
  ['ExpiredProviderToken', 403],
  ['InvalidProviderToken', 403],
  ['MissingProviderToken', 403],
  ['BadPath', 404],
  ['MethodNotAllowed', 405],
  ['Unregistered', 410],
  ['PayloadTooLarge', 413],
  ['TooManyProviderTokenUpdates', 429],
  ['TooManyRequests', 429],
  ['ServiceUnavailable', 503],
]);

/** Answers requests as strictly as APNs does. */
export function createApnsDecider(
  config: SimulatorConfig['apns'],
  switches: Switches,
): (request: PushRequest) => Decision {
  const auth = new ApnsAuth(config.keys);

  return (request) => {
    const { headers, body, connection } = request;
    const id = text(headers['apns-id']) ?? randomUUID();
    const token = headers[':path']?.startsWith('/3/device/') ? headers[':path'].slice(10) : undefined;
    const payload = readPayload(body);
    const messageId = 'fault' in payload ? '' : payload.messageId;

    const fault = faultOf();
    const answer = fault ?? switchedAnswer(switches, token ?? '') ?? sharedFault(switches);
    if (answer === undefined) {
      return { status: 200, reason: '', token: token ?? '', messageId, headers: { 'apns-id': id } };
    }
    return refusal(answerOf(answer), token ?? '', messageId, id, switches);

    function faultOf(): string | undefined {
      if (headers[':method'] !== 'POST') return 'MethodNotAllowed';
      if (token === undefined) return 'BadPath';
      if (token === '') return 'MissingDeviceToken';
      const provider = auth.check(text(headers.authorization));
      if (typeof provider === 'string') return provider;
      const { teamId, topics } = provider.key;
      if (switches.credentialRevoked || (connection.teamId ?? teamId) !== teamId) {
        return 'InvalidProviderToken';
      }
      connection.teamId = teamId;
      connection.widen();
      return (
        headerFault(headers, topics) ??
        ('fault' in payload ? payload.fault : undefined) ??
        tokenFault(token, switches)
      );
    }
  };
}

function tokenFault(token: string, switches: Switches): string | undefined {
  if (!DEVICE_TOKEN.test(token) || switches.badTokens.includes(token)) return 'BadDeviceToken';
  if (switches.unregisteredTokens.includes(token)) return 'Unregistered';
  if (switches.foreignTokens.includes(token)) return 'DeviceTokenNotForTopic';
  const fate = tokenFate(token, switches);
  if (fate === 'good') return undefined;
  return fate === 'bad' ? 'BadDeviceToken' : 'Unregistered';
}

function answerOf(answer: string | SwitchedAnswer): SwitchedAnswer {
  return typeof answer === 'string' ? { status: STATUS.get(answer) ?? 400, reason: answer } : answer;
}

function sharedFault(switches: Switches): string | undefined {
  if (happens(switches.shareThrottled)) return 'TooManyRequests';
  return happens(switches.shareUnavailable) ? 'ServiceUnavailable' : undefined;
}

function refusal(
  { status, reason, body }: SwitchedAnswer,
  token: string,
  messageId: string,
  id: string,
  { retryAfterSeconds }: Switches,
): Decision {
  const waits = (status === 429 || status === 503) && retryAfterSeconds !== null;
  return {
    status,
    reason,
    token,
    messageId,
    headers: { 'apns-id': id, ...(waits ? { 'retry-after': String(retryAfterSeconds) } : {}) },
    body: body ?? JSON.stringify({ reason, ...(status === 410 ? { timestamp: Date.now() } : {}) }),
  };
}
