import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { verifyWebhook } from '../security/standard-webhooks.ts';

export interface Received {
  readonly id: string;
  readonly body: {
    readonly type: string;
    readonly timestamp: string;
    readonly data: Record<string, unknown>;
  };
  /** Whether one of the request's signatures was made with this secret. */
  isSignedBy(secret: string): boolean;
}

export interface Receiver {
  readonly url: string;
  readonly port: number;
  readonly received: Received[];
  /** Answers the next requests; 204 by default. */
  answer: (response: ServerResponse, received: Received) => void;
  close(): Promise<void>;
}

/** A real endpoint over HTTP, which checks signatures as the Standard Webhooks specification says. */
export async function startReceiver(): Promise<Receiver> {
  const received: Received[] = [];
  const receiver: Receiver = {
    url: '',
    port: 0,
    received,
    answer: (response) => response.writeHead(204).end(),
    close: async () => {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
  const server = createServer(async (request, response) => {
    const one = await read(request);
    received.push(one);
    receiver.answer(response, one);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  return Object.assign(receiver, { port, url: `http://127.0.0.1:${port}/hook` });
}

async function read(request: IncomingMessage): Promise<Received> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks);
  const header = (name: string) => String(request.headers[name] ?? '');
  const id = header('webhook-id');
  const timestamp = header('webhook-timestamp');
  const signed = { id, timestamp, signatures: header('webhook-signature'), body };
  return {
    id,
    body: JSON.parse(body.toString()),
    // The sender runs on the test's clock, so the request's own time is compared.
    isSignedBy: (secret) => verifyWebhook(secret, signed, new Date(Number(timestamp) * 1_000)),
  };
}
