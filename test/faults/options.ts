import { parseArgs } from 'node:util';
import { z } from 'zod';

export interface FaultOptions {
  readonly seed: number;
  readonly devices: number;
  readonly temporal: 'dev' | 'postgres';
  /** Number of kills of each kind that must hit open requests. */
  readonly rounds: number;
  /** Number of storms of the push services, and of senders that freeze. */
  readonly storms: number;
  /** Progress; standard error by default. */
  readonly say: (text: string) => void;
}

const Count = z.coerce.number().int().positive();
const Arguments = z.object({
  seed: z.coerce.number().int().min(0).default(1),
  devices: Count.default(100_000),
  temporal: z.enum(['dev', 'postgres']).default('dev'),
  rounds: Count.default(3),
  storms: Count.default(2),
});

export function readOptions(args: readonly string[]): FaultOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      // The result is one line of JSON in any case. The option exists because the benchmarks have it.
      json: { type: 'boolean' },
      seed: { type: 'string' },
      devices: { type: 'string' },
      temporal: { type: 'string' },
      rounds: { type: 'string' },
      storms: { type: 'string' },
    },
  });
  const { json: _json, ...given } = values;
  const options = Arguments.parse(given);
  const startedAt = performance.now();
  return {
    ...options,
    say: (text) => {
      const seconds = ((performance.now() - startedAt) / 1000).toFixed(1).padStart(6);
      process.stderr.write(`${seconds}  ${text}\n`);
    },
  };
}
