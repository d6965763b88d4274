import { answerPeer, chunks, type PeerRun, type SendJob, timed } from './job.ts';

interface Boss {
  on(event: 'error', listener: (error: Error) => void): void;
  start(): Promise<unknown>;
  createQueue(name: string): Promise<void>;
  insert(jobs: readonly { name: string; data: SendJob }[]): Promise<void>;
  fetch(name: string, options: { batchSize: number }): Promise<{ id: string; data: SendJob }[]>;
  complete(name: string, ids: readonly string[]): Promise<void>;
  stop(options: { graceful: boolean }): Promise<void>;
}

const PACKAGE = 'pg-boss';
const QUEUE = 'send';
const BATCH = 1_000;
/** Batches under way at once, so that one is fetched while another is sent. */
const LANES = 2;

answerPeer(async ({ databaseUrl }, sender) => {
  const { default: PgBoss }: { default: new (url: string) => Boss } = await import(PACKAGE);
  const boss = new PgBoss(databaseUrl);
  boss.on('error', (error) => process.stderr.write(`pg-boss: ${error.message}\n`));
  await boss.start();
  await boss.createQueue(QUEUE);

  // Fetching by hand: its own `work` waits half a second between batches.
  async function lane(): Promise<void> {
    for (;;) {
      const batch = await boss.fetch(QUEUE, { batchSize: BATCH });
      if (batch.length === 0) return;
      await Promise.all(batch.map(({ data }) => sender.send(data)));
      await boss.complete(
        QUEUE,
        batch.map(({ id }) => id),
      );
    }
  }

  async function run(sends: readonly SendJob[]): Promise<PeerRun> {
    const jobs = sends.map((data) => ({ name: QUEUE, data }));
    const enqueueMs = await timed(async () => {
      for (const batch of chunks(jobs, BATCH)) await boss.insert(batch);
    });
    const processMs = await timed(async () => {
      await Promise.all(Array.from({ length: LANES }, lane));
    });
    return { enqueueMs, processMs };
  }

  return { run, close: () => boss.stop({ graceful: false }) };
});
