import type { Logger } from 'pino';
import type { Db } from '../../db/core/database.ts';
import { hideTrouble, showTrouble } from '../../db/ledger/pushes.ts';
import type { Channel } from '../../domain/platform.ts';
import type { PushService } from '../../providers/push-service.ts';

const CHECK_MS = 250;
/** A reason is shown again this often, because another lease may have hidden it. */
const SHOW_AGAIN_MS = 2_000;
const LOG_AGAIN_MS = 60_000;

interface Watched {
  readonly pushNo: number;
  readonly services: ReadonlyMap<Channel, Pick<PushService, 'trouble'>>;
}

/** Tells people, in the log and in the status of the push, while this process cannot reach a push service. */
export function createTroubleWatch({ db, log }: { db: Db; log: Logger }) {
  const logged = new Map<string, number>();

  function tell(pushNo: number, channel: Channel, trouble: string): void {
    const at = logged.get(trouble);
    if (at !== undefined && performance.now() - at < LOG_AGAIN_MS) return;
    logged.set(trouble, performance.now());
    log.error({ channel, pushNo, trouble }, 'a push service cannot be reached');
  }

  /** Watches until `work` ends. */
  return async function watch<T>({ pushNo, services }: Watched, work: Promise<T>): Promise<T> {
    let shown: string | undefined;
    let shownAt = 0;
    let writing = Promise.resolve();

    async function check(): Promise<void> {
      const found = troubleOf(services);
      if (found !== undefined) tell(pushNo, found.channel, found.trouble);
      const trouble = found && `a sender waits for ${found.channel}: ${found.trouble}`;
      if (trouble === shown && performance.now() - shownAt < SHOW_AGAIN_MS) return;
      if (shown !== undefined && shown !== trouble) await hideTrouble(db, { pushNo, trouble: shown });
      if (trouble !== undefined) await showTrouble(db, { pushNo, trouble });
      shown = trouble;
      shownAt = performance.now();
    }
    const run = (step: () => Promise<void>) => {
      writing = writing
        .then(step)
        .catch((error: unknown) => log.warn({ err: error, pushNo }, 'a trouble could not be shown'));
    };

    const timer = setInterval(() => run(check), CHECK_MS);
    try {
      return await work;
    } finally {
      clearInterval(timer);
      run(async () => {
        if (shown !== undefined) await hideTrouble(db, { pushNo, trouble: shown });
      });
      await writing;
    }
  };
}

function troubleOf(services: Watched['services']): { channel: Channel; trouble: string } | undefined {
  for (const [channel, { trouble }] of services) if (trouble !== undefined) return { channel, trouble };
  return undefined;
}
