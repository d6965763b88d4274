import { foldArrivals } from '../../db/receipts/receipt-arrivals.ts';
import { deleteOldCallbacks, drainInbox } from '../../db/receipts/receipt-inbox.ts';
import { HOUR_MS } from '../../domain/duration.ts';
import type { ApiDeps, App } from '../http/deps.ts';

/** The interval at which callbacks of crashed processes are picked up. */
const SWEEP_MS = 5_000;
const CLEAN_MS = HOUR_MS;

/** Reads the inbox at each `wake` and at a fixed interval. */
export function startInboxReader(app: App, deps: ApiDeps): { wake(): void } {
  let running: Promise<void> | undefined;
  let isWanted = false;

  async function run(): Promise<void> {
    while (isWanted) {
      isWanted = false;
      const { errors } = await drainInbox(deps.db, { mac: deps.messageMac, now: await deps.clock() });
      for (const error of errors)
        deps.log.warn({ err: error }, 'a callback could not be read and stays in the inbox');
    }
  }

  function wake(): void {
    isWanted = true;
    running ??= run()
      .catch((error: unknown) => deps.log.warn({ err: error }, 'reading the receipt inbox failed'))
      .finally(() => {
        running = undefined;
      });
  }

  async function clean(): Promise<void> {
    const now = await deps.clock();
    await foldArrivals(deps.db, now);
    await deleteOldCallbacks(deps.db, now);
  }

  const sweeping = setInterval(wake, SWEEP_MS).unref();
  const cleaning = setInterval(() => {
    clean().catch((error: unknown) => deps.log.warn({ err: error }, 'cleaning the receipt inbox failed'));
  }, CLEAN_MS).unref();
  app.addHook('onClose', async () => {
    clearInterval(sweeping);
    clearInterval(cleaning);
    await running;
  });
  return { wake };
}
