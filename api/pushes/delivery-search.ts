import type { Db } from '../../db/core/database.ts';
import { SQL_STATE, sqlStateOf } from '../../db/core/sql-state.ts';
import { withStatementTimeout } from '../../db/core/statement-timeout.ts';
import { createLimiter } from '../http/limit-concurrency.ts';
import { Problem } from '../http/problem.ts';

/** The limit of concurrent searches through all devices, so that the database has capacity for the rest. */
const MAX_SEARCHES = 2;
const RETRY_AFTER_SECONDS = 2;

interface Limits {
  /** A page that is found within this time does not count as a search. */
  readonly quickMs: number;
  readonly timeoutMs: number;
}

/**
 * Searches through the deliveries of a push. The filters have no index, because every push would pay for it.
 * A filtered read may therefore read all deliveries.
 */
export class DeliverySearch {
  readonly #db: Db;
  readonly #limits: Limits;
  readonly #limit = createLimiter(MAX_SEARCHES, () =>
    busy('Too many device searches are running: try again later'),
  );

  constructor(db: Db, limits: Limits = { quickMs: 1_000, timeoutMs: 20_000 }) {
    this.#db = db;
    this.#limits = limits;
  }

  /** Most pages are found quickly. A slow page is searched for again, within the limit of searches. */
  async page<T>(find: (db: Db) => Promise<T>): Promise<T> {
    const quick = await unlessCancelled(() => withStatementTimeout(this.#db, this.#limits.quickMs, find));
    return quick === undefined ? await this.all(find) : quick.found;
  }

  /** Runs a query that reads all devices. */
  async all<T>(find: (db: Db) => Promise<T>): Promise<T> {
    const { timeoutMs } = this.#limits;
    const answer = await this.#limit(() =>
      unlessCancelled(() => withStatementTimeout(this.#db, timeoutMs, find)),
    );
    if (answer === undefined) throw tooLong(timeoutMs);
    return answer.found;
  }
}

async function unlessCancelled<T>(work: () => Promise<T>): Promise<{ found: T } | undefined> {
  try {
    return { found: await work() };
  } catch (error) {
    if (sqlStateOf(error) === SQL_STATE.queryCanceled) return undefined;
    throw error;
  }
}

function tooLong(timeoutMs: number): Problem {
  return busy(
    `The search took longer than ${timeoutMs / 1000} s: ask for fewer devices, without a count, or export them as CSV`,
  );
}

function busy(detail: string): Problem {
  return new Problem('unavailable', detail, { retryAfterSeconds: RETRY_AFTER_SECONDS });
}
