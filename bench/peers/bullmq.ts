import { answerPeer, chunks, type PeerRun, type SendJob, timed } from './job.ts';

interface BullMq {
  Queue: new (
    name: string,
    options: object,
  ) => {
    addBulk(jobs: readonly { name: string; data: SendJob; opts: object }[]): Promise<unknown>;
    obliterate(options: { force: boolean }): Promise<void>;
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
  Redis: new (url: string, options: object) => { quit(): Promise<unknown> };
}

const PACKAGE = 'bullmq';
const CLIENT = 'ioredis';
const BATCH = 1_000;
const CONCURRENCY = 400;
const OPTIONS = { removeOnComplete: true };

answerPeer(async ({ redisUrl }, sender) => {
  const { Queue, Worker }: BullMq = await import(PACKAGE);
  const name = `signalbox-bench-${process.pid}`;
  // BullMQ cannot load the client by itself in a program of ES modules.
  const { Redis }: IoRedis = await import(CLIENT);
  const connection = new Redis(redisUrl, { maxRetriesPerRequest: null });
  const queue = new Queue(name, { connection });

  async function run(sends: readonly SendJob[]): Promise<PeerRun> {
    const jobs = sends.map((data) => ({ name: 'send', data, opts: OPTIONS }));
    const enqueueMs = await timed(async () => {
      for (const batch of chunks(jobs, BATCH)) await queue.addBulk(batch);
    });
    const done = Promise.withResolvers<void>();
    let left = jobs.length;
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
    return { enqueueMs, processMs };
  }

  /** Removes the queue, because the server may not be the bench's own. */
  async function close(): Promise<void> {
    await queue.obliterate({ force: true });
    await queue.close();
    await connection.quit();
  }

  return { run, close };
});
