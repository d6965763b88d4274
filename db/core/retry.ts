import { SQL_STATE, sqlStateOf } from './sql-state.ts';

/** Errors after which a retry may succeed. Two simultaneous writers of one value violate a unique index. */
const CLASHES: readonly unknown[] = [
  SQL_STATE.deadlock,
  SQL_STATE.serializationFailure,
  SQL_STATE.uniqueViolation,
];

/** A conflict that the caller has detected and that `withRetry` retries. */
export class ClashError extends Error {
  override name = 'ClashError';
  readonly code = SQL_STATE.serializationFailure;
}

const ATTEMPTS = 4;

/** Retries a transaction that conflicted with another one. */
export async function withRetry<Result>(work: () => Promise<Result>): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (attempt === ATTEMPTS || !CLASHES.includes(sqlStateOf(error))) throw error;
    }
  }
}
