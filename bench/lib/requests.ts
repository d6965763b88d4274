import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { LoggedRequest } from '../../dev/simulators/request-log.ts';
import type { RunningSimulators } from '../../dev/simulators/start.ts';

/** Every request that the simulators saw, one by one, because a log of a million does not fit into memory. */
export async function* requestsOf(simulators: RunningSimulators): AsyncGenerator<LoggedRequest> {
  // A request for the counts makes the simulators write out their buffer.
  await simulators.control.counts();
  for await (const line of createInterface({ input: createReadStream(simulators.logFile) })) {
    yield JSON.parse(line) as LoggedRequest;
  }
}

/** The push that a message ID names; its MAC is not checked. */
export function pushNoOf(messageId: string): number {
  return Buffer.from(messageId, 'base64url').readUIntBE(1, 6);
}

export interface Span {
  firstAt: number;
  lastAt: number;
}

/** The starts of the first and the last request of each push, in milliseconds since the epoch. */
export async function spansByPush(simulators: RunningSimulators): Promise<Map<number, Span>> {
  const spans = new Map<number, Span>();
  for await (const { messageId, at } of requestsOf(simulators)) {
    if (messageId === '') continue;
    const pushNo = pushNoOf(messageId);
    const span = spans.get(pushNo);
    if (span === undefined) spans.set(pushNo, { firstAt: at, lastAt: at });
    else {
      span.firstAt = Math.min(span.firstAt, at);
      span.lastAt = Math.max(span.lastAt, at);
    }
  }
  return spans;
}
