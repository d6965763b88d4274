import { join } from 'node:path';
import type { BadShares } from '../simulators/tokens.ts';
import { type AudienceFile, writeAudienceFile } from './audience-file.ts';
import type { CsvFile } from './csv-file.ts';
import { writeDeviceFile } from './device-file.ts';
import { type ExpectedPush, expectPush } from './expected-push.ts';
import { type GeneratedDevice, generateDevices } from './population.ts';
import { createRandom } from './random.ts';

export interface Generated {
  readonly devices: CsvFile;
  readonly audience: AudienceFile;
  /** Devices that have to unsubscribe through the SDK, because a file cannot say it. */
  readonly unsubscribing: readonly GeneratedDevice[];
  readonly expected: ExpectedPush;
}

export interface GeneratorOptions {
  readonly devices: number;
  readonly seed: number;
  readonly directory: string;
  /** The shares of tokens that the push services will refuse. */
  readonly shares: BadShares;
}

const UNSUBSCRIBING = { share: 0.01, max: 20 };

/** Writes a file of devices and one of an audience, and computes the exact figures of a push to it. */
export function generate(options: GeneratorOptions): Generated {
  const random = createRandom(options.seed);
  const devices = generateDevices(options.devices, random);
  const deviceFile = writeDeviceFile(join(options.directory, 'devices.csv'), devices, random);
  const audience = writeAudienceFile(join(options.directory, 'audience.csv'), devices, random);
  const listed = devices.filter((device) => audience.deviceIds.has(device.deviceId));
  const count = Math.min(UNSUBSCRIBING.max, Math.ceil(options.devices * UNSUBSCRIBING.share));
  const unsubscribing = listed
    .filter((device) => device.token !== null && !device.isReplaced)
    .slice(0, count);
  const unsubscribed = new Set(unsubscribing.map((device) => device.deviceId));
  return {
    devices: deviceFile,
    audience,
    unsubscribing,
    expected: expectPush({ devices, audience, unsubscribed, shares: options.shares }),
  };
}
