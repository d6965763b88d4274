import { Agent, request } from 'node:http';
import { encodeMessageId } from '../../domain/receipts/message-id.ts';
import { createMac } from '../../security/message-mac.ts';
import { answerCall } from '../lib/child.ts';
import { inLanes } from '../lib/in-lanes.ts';
import { deviceOf, kindOf } from './receipts-of.ts';

export interface ClientInput {
  readonly apiUrl: string;
  readonly sdkKey: string;
  readonly signingKey: string;
  readonly pushNo: number;
  readonly devices: number;
  /** This client's share of the receipts. */
  readonly from: number;
  readonly to: number;
  readonly batch: number;
  readonly connections: number;
  /** The common start of all clients, in milliseconds since the epoch. */
  readonly startAt: number;
}

export interface ClientResult {
  readonly startedAt: number;
  readonly endedAt: number;
  readonly accepted: number;
  /** The duration of each request. */
  readonly ms: readonly number[];
  readonly refused: number;
}

answerCall(async (input: ClientInput): Promise<ClientResult> => {
  const bodies = bodiesOf(input);
  const agent = new Agent({ keepAlive: true, maxSockets: input.connections });
  const result = { accepted: 0, refused: 0, ms: [] as number[] };
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, input.startAt - Date.now())));
  const startedAt = Date.now();
  await inLanes(input.connections, bodies, async (body) => {
    const before = performance.now();
    for (;;) {
      const { status, text } = await post(agent, input, body);
      if (status === 503 || status === 429) {
        result.refused++;
        await new Promise((resolve) => setTimeout(resolve, 100));
        continue;
      }
      if (status !== 200) throw new Error(`POST /v1/receipts: ${status} ${text.slice(0, 300)}`);
      result.accepted += Number(/"accepted":(\d+)/.exec(text)?.[1] ?? 0);
      break;
    }
    result.ms.push(performance.now() - before);
  });
  agent.destroy();
  return { ...result, startedAt, endedAt: Date.now() };
});

/** Makes the bodies before the clock starts, because phones sign nothing. */
function bodiesOf({ signingKey, pushNo, devices, from, to, batch }: ClientInput): Buffer[] {
  const mac = createMac(Buffer.from(signingKey, 'base64'), 'message-id');
  const at = new Date().toISOString();
  const bodies: Buffer[] = [];
  for (let start = from; start < to; start += batch) {
    const receipts = Array.from({ length: Math.min(batch, to - start) }, (_, offset) => {
      const deliveryNo = deviceOf(start + offset, devices);
      const messageId = encodeMessageId(mac, { pushNo, deliveryNo });
      return { messageId, kind: kindOf(deliveryNo), eventId: `6f1d2c34-9a7e-4b1f-8c55-${deliveryNo}`, at };
    });
    bodies.push(Buffer.from(JSON.stringify({ sentAt: at, receipts })));
  }
  return bodies;
}

function post(agent: Agent, { apiUrl, sdkKey }: ClientInput, body: Buffer) {
  return new Promise<{ status: number; text: string }>((resolve, reject) => {
    const outgoing = request(`${apiUrl}/v1/receipts`, {
      agent,
      method: 'POST',
      headers: {
        authorization: `Bearer ${sdkKey}`,
        'content-type': 'application/json',
        'content-length': body.length,
      },
    });
    outgoing.on('error', reject).on('response', (incoming) => {
      const chunks: Buffer[] = [];
      incoming
        .on('data', (chunk: Buffer) => chunks.push(chunk))
        .on('end', () => {
          resolve({ status: incoming.statusCode ?? 0, text: Buffer.concat(chunks).toString() });
        });
    });
    outgoing.end(body);
  });
}
