import { expect, test } from 'vitest';
import { runFaults } from './faults/run.ts';

/** An idle machine takes a minute. */
const LIMIT_MS = 300_000;

test(
  'no device is sent to twice or forgotten, and no receipt is lost, while processes are killed with requests open',
  async () => {
    const { line, broken } = await runFaults({
      seed: 7,
      devices: 4_000,
      temporal: 'dev',
      rounds: 1,
      storms: 1,
      say: () => undefined,
    });
    expect(broken).toEqual([]);
    expect(line).toMatchObject({ duplicates: 0, forgotten: 0, receiptsLost: 0, reconciles: true });
  },
  LIMIT_MS,
);
