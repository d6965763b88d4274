/** Deadlock, failed serialization, and two writers of one unique value at the same moment. */
const CLASHES: readonly unknown[] = ['40P01', '40001', '23505'];
/** What else is worth another try. */
export class ClashError extends Error {
  override name = 'ClashError';
  readonly code = '40001';
}

const ATTEMPTS = 4;

/** For transactions that succeed when they are run again after the other one. */
export async function withRetry<Result>(work: () => Promise<Result>): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      const { code } = error as { code?: unknown };
      if (attempt === ATTEMPTS || !CLASHES.includes(code)) throw error;
    }
  }
}
