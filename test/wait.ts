import { setTimeout as delay } from 'node:timers/promises';

/** Asks again until the answer satisfies; the last answer is in the error when it never does. */
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
