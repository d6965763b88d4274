import { setTimeout as delay } from 'node:timers/promises';
import {
  endRefresh,
  type RefreshHold,
  stepRefresh,
  takeOverRefresh,
} from '../../db/audiences/audience-refresh.ts';
import type { ApiDeps } from '../http/deps.ts';

export interface Refresher {
  /** Counts in the background, one audience after the other. */
  refresh(hold: RefreshHold): void;
  /** Continues the recounts of processes that ended. */
  takeOver(): Promise<void>;
  /** Starts no further step. Another process continues the recounts that are left. */
  close(): Promise<void>;
}

/** How long closing waits for the running step. Another process repeats a step that takes longer. */
const CLOSE_MS = 3_000;

export function createRefresher({ db, clock, log }: ApiDeps): Refresher {
  let isClosing = false;
  let last: Promise<void> = Promise.resolve();
  async function run(hold: RefreshHold): Promise<void> {
    try {
      while (!isClosing && (await stepRefresh(db, hold, { clock })));
    } catch (error) {
      if (isClosing) return;
      log.error({ err: error, audienceId: hold.audienceId }, 'a recount of an audience failed');
      const end = {
        state: 'failed',
        reason: 'the audience could not be counted; try again',
        now: await clock(),
      } as const;
      await endRefresh(db, hold, end).catch(() => undefined);
    }
  }
  const refresh = (hold: RefreshHold) => {
    last = last.then(() => run(hold));
  };
  return {
    refresh,
    async takeOver() {
      const hold = isClosing ? undefined : await takeOverRefresh(db, await clock());
      if (hold !== undefined) refresh(hold);
    },
    async close() {
      isClosing = true;
      await Promise.race([last, delay(CLOSE_MS, undefined, { ref: false })]);
    },
  };
}
