import { answerPeer, chunks, type PeerRun, type SendJob, timed } from './job.ts';

/** The used part of the package, which may be absent when the product is type-checked. */
interface GraphileWorker {
  makeWorkerUtils(options: object): Promise<{
    migrate(): Promise<void>;
    addJobs(jobs: readonly { identifier: string; payload: SendJob }[]): Promise<unknown>;
    release(): Promise<void>;
  }>;
  run(options: object): Promise<{ stop(): Promise<void> }>;
  Logger: new (factory: () => () => void) => object;
}

const PACKAGE = 'graphile-worker';
const TASK = 'send';
const BATCH = 1_000;

// Its page on performance recommends a local queue, batched completion and as many jobs at once as wait for
// I/O.
const SETTINGS = {
  concurrentJobs: 400,
  maxPoolSize: 12,
  localQueue: { size: 1_000 },
  completeJobBatchDelay: 0,
  failJobBatchDelay: 0,
};

answerPeer(async ({ databaseUrl }, sender) => {
  const { makeWorkerUtils, run: runWorker, Logger }: GraphileWorker = await import(PACKAGE);
  const logger = new Logger(() => () => undefined);
  const utils = await makeWorkerUtils({ connectionString: databaseUrl, logger });
  await utils.migrate();

  async function run(sends: readonly SendJob[]): Promise<PeerRun> {
    const jobs = sends.map((payload) => ({ identifier: TASK, payload }));
    const enqueueMs = await timed(async () => {
      for (const batch of chunks(jobs, BATCH)) await utils.addJobs(batch);
    });
    const done = Promise.withResolvers<void>();
    let left = jobs.length;
    const processMs = await timed(async () => {
      const runner = await runWorker({
        preset: { worker: { connectionString: databaseUrl, ...SETTINGS } },
        logger,
        noHandleSignals: true,
        taskList: {
          async [TASK](job: SendJob) {
            await sender.send(job);
            if (--left === 0) done.resolve();
          },
        },
      });
      await done.promise;
      // Returns once the last completions are written.
      await runner.stop();
    });
    return { enqueueMs, processMs };
  }

  return { run, close: () => utils.release() };
});
