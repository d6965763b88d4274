import { createHash, randomBytes } from 'node:crypto';
import { CHANNELS, type Channel } from '../../domain/platform.ts';
import { openPushService } from '../../providers/open-push-service.ts';
import type { PushService } from '../../providers/push-service.ts';
import { isIos } from '../lib/devices.ts';
import type { Target } from '../lib/target.ts';

/** What one job of a queue says: send this to that device. */
export interface SendJob {
  readonly messageId: string;
  readonly channel: Channel;
  readonly token: string;
}

/** What a peer is given; it answers once every job is done. */
export interface PeerInput {
  readonly target: Target;
  readonly databaseUrl: string;
  readonly redisUrl: string;
  readonly count: number;
}

export interface PeerResult {
  readonly enqueueMs: number;
  readonly processMs: number;
}

export function makeJobs(count: number, platforms: Target['platforms']): SendJob[] {
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

/** The product's own push services, so that a peer differs in its queue only. */
export function openJobSender(target: Target): JobSender {
  const endpoint = (url: string) => ({ url: new URL(url), ca: target.ca });
  const endpoints = {
    apns: endpoint(target.apnsUrl),
    fcm: endpoint(target.fcmUrl),
    fcmToken: endpoint(target.fcmTokenUrl),
  };
  const services = new Map<Channel, PushService>(
    CHANNELS.map((channel) => [channel, openPushService(channel, target.credentials[channel], endpoints)]),
  );
  return {
    async send({ messageId, channel, token }) {
      const to = { token, messageId, collapseId: 'peer' };
      const outcome = await services.get(channel)?.send(target.content, to, () => true);
      if (outcome?.kind !== 'accepted') throw new Error(`a job was not sent: ${JSON.stringify(outcome)}`);
    },
    async close() {
      await Promise.all([...services.values()].map((service) => service.close()));
    },
  };
}

export async function timed(work: () => Promise<void>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}
