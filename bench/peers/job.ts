import { createHash, randomBytes } from 'node:crypto';
import type { ClientHttp2Session } from 'node:http2';
import type { Channel } from '../../domain/platform.ts';
import { openSession, start } from '../bare/loop.ts';
import { type BareRequest, bareMessage, createRequests, type Requests } from '../bare/requests.ts';
import { answerCall } from '../lib/child.ts';
import { isIos } from '../lib/devices.ts';
import type { Target } from '../lib/target.ts';
import { WARM_UP } from '../lib/warm-up.ts';

/** The content of one job: a message and its device. */
export interface SendJob {
  readonly messageId: string;
  readonly channel: Channel;
  readonly token: string;
}

/** The input of a peer, which answers once every job is done. */
export interface PeerInput {
  readonly target: Target;
  readonly databaseUrl: string;
  readonly redisUrl: string;
  readonly count: number;
}

/** The times to put in one job per device, and to work them off. */
export interface PeerRun {
  readonly enqueueMs: number;
  readonly processMs: number;
}

export interface OpenPeer {
  /** Returns once every job is done and its queue knows. */
  run(jobs: readonly SendJob[]): Promise<PeerRun>;
  close(): Promise<unknown>;
}

/** Runs a peer in a process of its own, warmed up like the product and the bare loop. */
export function answerPeer(open: (input: PeerInput, sender: JobSender) => Promise<OpenPeer>): void {
  answerCall(async (input: PeerInput): Promise<PeerRun> => {
    const { target, count } = input;
    const sender = await openJobSender(target);
    const peer = await open(input, sender);
    await peer.run(makeJobs(Math.min(WARM_UP, count), target.platforms));
    const run = await peer.run(makeJobs(count, target.platforms));
    await Promise.all([sender.close(), peer.close()]);
    return run;
  });
}

function makeJobs(count: number, platforms: Target['platforms']): SendJob[] {
  const run = randomBytes(4).toString('hex');
  return Array.from({ length: count }, (_, index) => {
    const channel = isIos(index, platforms) ? 'apns' : 'fcm';
    const digits = createHash('sha256').update(`${run} ${index}`).digest('hex');
    const token = channel === 'apns' ? digits : `${digits.slice(0, 22)}:APA91b${digits}${digits}`;
    return { messageId: `${run}${index}`.padEnd(36, '_'), channel, token };
  });
}

export function chunks<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  );
}

export interface JobSender {
  send(job: SendJob): Promise<void>;
  close(): Promise<void>;
}

/** Sends as the bare loop does, with its better settings, so that a peer differs only in its queue. */
async function openJobSender(target: Target): Promise<JobSender> {
  const requests = await createRequests(target);
  const lines = {
    apns: await openLine(target, 'apns', requests),
    fcm: await openLine(target, 'fcm', requests),
  };
  return {
    send: ({ channel, ...message }) => lines[channel].send(requests[channel](message)),
    async close() {
      for (const { sessions } of Object.values(lines)) for (const session of sessions) session.destroy();
    },
  };
}

const SESSIONS = 2;
const STREAMS = 100;

/** The connections to one service. A job waits for the next free stream when all are taken. */
async function openLine(target: Target, channel: Channel, requests: Requests) {
  const url = channel === 'apns' ? target.apnsUrl : target.fcmUrl;
  const { host } = new URL(url);
  const first = (n: number) => requests[channel](bareMessage(n, channel));
  const run = -Math.ceil(Math.random() * 1e9);
  const sessions = await Promise.all(
    Array.from({ length: SESSIONS }, (_, index) => openSession(url, target.ca, first(run - index))),
  );
  const free = Array.from({ length: STREAMS }, () => sessions).flat();
  const waiting: ((session: ClientHttp2Session) => void)[] = [];
  async function send(request: BareRequest): Promise<void> {
    const session = free.pop() ?? (await new Promise<ClientHttp2Session>((resolve) => waiting.push(resolve)));
    try {
      await new Promise<void>((resolve, reject) => start(session, host, request, resolve, reject));
    } finally {
      const next = waiting.shift();
      if (next === undefined) free.push(session);
      else next(session);
    }
  }
  return { sessions, send };
}

export async function timed(work: () => Promise<void>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}
