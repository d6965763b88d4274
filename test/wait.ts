import { setTimeout as delay } from 'node:timers/promises';

/** Polls until the answer satisfies. The error of a timeout holds the last answer. */
export async function until<T>(
  ask: () => Promise<T>,
  satisfies: (answer: T) => boolean,
  timeoutMs = 30_000,
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const answer = await ask();
    if (satisfies(answer)) return answer;
    if (performance.now() > deadline) throw new Error(`never satisfied: ${JSON.stringify(answer)}`);
    await delay(25);
  }
}
