import type { Db } from '../db/database.ts';
import { SQL_STATE, sqlStateOf } from '../db/sql-state.ts';
import { withStatementTimeout } from '../db/statement-timeout.ts';
import { Problem } from './problem.ts';

/** Of reads of all devices of a push; the rest of the database has other work. */
const AT_A_TIME = 2;
const RETRY_AFTER_SECONDS = 2;

interface Limits {
  /** A page that is found within this is no search. */
  readonly quickMs: number;
  readonly timeoutMs: number;
}

/** There is no index by what details are filtered by, which every push would pay for: who filters may read all of them. */
export class DetailsSearch {
  readonly #db: Db;
  readonly #limits: Limits;
  #running = 0;

  constructor(db: Db, limits: Limits = { quickMs: 1_000, timeoutMs: 20_000 }) {
    this.#db = db;
    this.#limits = limits;
  }

  /** Most pages are found at once; what is not is looked for again as one of few. */
  async page<T>(find: (db: Db) => Promise<T>): Promise<T> {
    const quick = await unlessCancelled(() => withStatementTimeout(this.#db, this.#limits.quickMs, find));
    return quick === undefined ? await this.all(find) : quick.found;
  }

  /** For what has to read all devices. */
  async all<T>(find: (db: Db) => Promise<T>): Promise<T> {
    if (this.#running >= AT_A_TIME) throw busy('Too many searches of devices are running; try again');
    this.#running += 1;
    try {
      const { timeoutMs } = this.#limits;
      const answer = await unlessCancelled(() => withStatementTimeout(this.#db, timeoutMs, find));
      if (answer === undefined) throw tooLong(timeoutMs);
      return answer.found;
    } finally {
      this.#running -= 1;
    }
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
