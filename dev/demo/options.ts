import { parseArgs } from 'node:util';

export interface DemoOptions {
  readonly devices: number;
  /** The last line is one JSON object, and text for people goes to standard error. */
  readonly json: boolean;
  /** Everything keeps running afterwards. */
  readonly stay: boolean;
  readonly verbose: boolean;
}

const USAGE = 'npm run demo -- [--devices N] [--json] [--stay] [--verbose], with N from 20 to 2000000';
const DEVICES = { default: 20_000, min: 20, max: 2_000_000 };

/** Throws an error with the usage if an argument is wrong. */
export function readOptions(args: string[]): DemoOptions {
  const { values } = parseArgs({
    args,
    options: {
      devices: { type: 'string', default: String(DEVICES.default) },
      json: { type: 'boolean', default: false },
      stay: { type: 'boolean', default: false },
      verbose: { type: 'boolean', default: false },
    },
  });
  const devices = Number(values.devices);
  if (!Number.isInteger(devices) || devices < DEVICES.min || devices > DEVICES.max) throw new Error(USAGE);
  return { ...values, devices };
}
