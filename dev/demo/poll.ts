import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 150;

/** Repeats `look` until it returns something. */
export async function poll<T>(
  what: string,
  withinMs: number,
  look: () => Promise<T | undefined>,
): Promise<T> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const seen = await look();
    if (seen !== undefined) return seen;
    if (performance.now() > deadline) throw new Error(`timed out after ${withinMs / 1000} s: ${what}`);
    await sleep(POLL_MS);
  }
}
