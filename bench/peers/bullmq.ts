import { answerCall } from '../lib/child.ts';
import {
  chunks,
  makeJobs,
  openJobSender,
  type PeerInput,
  type PeerResult,
  type SendJob,
  timed,
} from './job.ts';

interface BullMq {
  Queue: new (
    name: string,
    options: object,
  ) => {
    addBulk(jobs: readonly { name: string; data: SendJob; opts: object }[]): Promise<unknown>;
    close(): Promise<void>;
  };
  Worker: new (
    name: string,
    process: (job: { data: SendJob }) => Promise<void>,
    options: object,
  ) => {
    on(event: 'completed', listener: () => void): void;
    close(): Promise<void>;
  };
}

interface IoRedis {
  Redis: new (url: string, options: object) => object;
}

const PACKAGE = 'bullmq';
const CLIENT = 'ioredis';
const BATCH = 1_000;
const CONCURRENCY = 400;
const OPTIONS = { removeOnComplete: true };

answerCall(async ({ target, redisUrl, count }: PeerInput): Promise<PeerResult> => {
  const { Queue, Worker }: BullMq = await import(PACKAGE);
  const name = `send-${process.pid}`;
  // It cannot load the client by itself in a program of ES modules.
  const { Redis }: IoRedis = await import(CLIENT);
  const connection = new Redis(redisUrl, { maxRetriesPerRequest: null });
  const queue = new Queue(name, { connection });
  const jobs = makeJobs(count, target.platforms).map((data) => ({ name: 'send', data, opts: OPTIONS }));
  const enqueueMs = await timed(async () => {
    for (const batch of chunks(jobs, BATCH)) await queue.addBulk(batch);
  });
  const sender = await openJobSender(target);
  const done = Promise.withResolvers<void>();
  let left = count;
  const processMs = await timed(async () => {
    const worker = new Worker(name, ({ data }) => sender.send(data), {
      connection,
      concurrency: CONCURRENCY,
    });
    worker.on('completed', () => {
      if (--left === 0) done.resolve();
    });
    await done.promise;
    await worker.close();
  });
  await Promise.all([sender.close(), queue.close()]);
  return { enqueueMs, processMs };
});
