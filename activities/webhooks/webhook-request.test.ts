import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Receiver, startReceiver } from '../../test/webhook-receiver.ts';
import { postWebhook } from './webhook-request.ts';

let receiver: Receiver;
beforeEach(async () => {
  receiver = await startReceiver();
});
afterEach(() => receiver.close());

const post = (url: string, ms = 5_000) =>
  postWebhook({
    url: new URL(url),
    addresses: [{ address: '127.0.0.1', family: 4 }],
    headers: { 'webhook-id': 'msg_1' },
    body: '{"type":"x"}',
    signal: AbortSignal.timeout(ms),
  });

test('a request goes to the checked address, whatever the name resolves to', async () => {
  const { status } = await post(`http://no-such-host.invalid:${receiver.port}/hook`);
  expect(status).toBe(204);
  expect(receiver.received).toHaveLength(1);
});

test('a receiver that cuts the connection is a fault, not an answer', async () => {
  receiver.answer = (response) => response.destroy();
  await expect(post(receiver.url)).rejects.toThrow();
});

test('a response whose headers never come ends at the deadline', async () => {
  receiver.answer = () => undefined;
  await expect(post(receiver.url, 200)).rejects.toThrow();
});
