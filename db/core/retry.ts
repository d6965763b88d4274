import { SQL_STATE, sqlStateOf } from './sql-state.ts';

/** The last: two writers of one unique value at the same moment. */
const CLASHES: readonly unknown[] = [
  SQL_STATE.deadlock,
  SQL_STATE.serializationFailure,
  SQL_STATE.uniqueViolation,
];

/** What else is worth another try. */
export class ClashError extends Error {
  override name = 'ClashError';
  readonly code = SQL_STATE.serializationFailure;
}

const ATTEMPTS = 4;

/** For transactions that succeed when they are run again after the other one. */
export async function withRetry<Result>(work: () => Promise<Result>): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (attempt === ATTEMPTS || !CLASHES.includes(sqlStateOf(error))) throw error;
    }
  }
}
