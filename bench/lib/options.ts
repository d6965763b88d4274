import { parseArgs } from 'node:util';
import { z } from 'zod';

const Count = z.coerce.number().int().positive();

const Options = z.object({
  devices: Count.optional(),
  /** Devices for the peers, which are slower. */
  peerDevices: Count.default(100_000),
  /** Number of repetitions: pauses, tasks, requests or runs. */
  n: Count.optional(),
  sleepers: Count.default(2_000),
  seed: z.coerce.number().int().default(1),
  /** Number of worker processes that send. */
  senders: Count.default(1),
  platform: z.enum(['ios', 'android', 'both']).default('both'),
  temporal: z.enum(['dev', 'postgres']).default('dev'),
  /** A folder for CPU profiles of the product's processes. */
  profile: z.string().optional(),
  /** Of the import: nine of ten rows are bad, and each thousandth line is too long. */
  bad: z.boolean().default(false),
  json: z.boolean().default(false),
});

export type BenchOptions = z.infer<typeof Options>;

const TEXT = { type: 'string' } as const;

export function readOptions(args: readonly string[]): { name: string | undefined; options: BenchOptions } {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      devices: TEXT,
      'peer-devices': TEXT,
      n: TEXT,
      sleepers: TEXT,
      seed: TEXT,
      senders: TEXT,
      platform: TEXT,
      temporal: TEXT,
      profile: TEXT,
      bad: { type: 'boolean' },
      json: { type: 'boolean' },
    },
  });
  const { 'peer-devices': peerDevices, ...rest } = values;
  const parsed = Options.safeParse({ ...rest, ...(peerDevices === undefined ? {} : { peerDevices }) });
  if (!parsed.success) throw new Error(z.prettifyError(parsed.error));
  return { name: positionals[0], options: parsed.data };
}
