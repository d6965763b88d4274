import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 50;

/** Polls until the answer is yes. An error counts as a no, because processes are being killed meanwhile. */
export async function holds(
  ask: () => Promise<boolean>,
  limitMs: number,
  pollMs: number = POLL_MS,
): Promise<boolean> {
  const deadline = performance.now() + limitMs;
  while (performance.now() < deadline) {
    if (await ask().catch(() => false)) return true;
    await sleep(pollMs);
  }
  return false;
}

/** Repeats the attempt until it succeeds. */
export async function insist<T>(what: string, attempt: () => Promise<T>, limitMs = 120_000): Promise<T> {
  const deadline = performance.now() + limitMs;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (performance.now() > deadline) throw new Error(`${what} never succeeded`, { cause: error });
      await sleep(POLL_MS * 2);
    }
  }
}
