import type { LossReason } from '../../domain/pushes/reasons.ts';
import { type BadShares, tokenFate } from '../simulators/tokens.ts';
import type { AudienceFile } from './audience-file.ts';
import type { GeneratedDevice } from './population.ts';

/** The figures of a push to the generated audience, computed without the engine. */
export interface ExpectedPush {
  readonly planned: number;
  readonly matched: number;
  readonly lossReasons: Readonly<Record<string, number>>;
  /** Devices whose tokens the push services refuse, by reason. */
  readonly failureReasons: Readonly<Record<string, number>>;
}

export interface Population {
  readonly devices: readonly GeneratedDevice[];
  readonly audience: AudienceFile;
  readonly unsubscribed: ReadonlySet<string>;
  readonly shares: BadShares;
}

const FAILURES = {
  ios: { unregistered: 'Unregistered', bad: 'BadDeviceToken' },
  android: { unregistered: 'UNREGISTERED', bad: 'INVALID_REGISTRATION_TOKEN' },
} as const;

export function expectPush(population: Population): ExpectedPush {
  const losses = new Tally();
  const failures = new Tally();
  let matched = 0;
  const countDevice = (loss: LossReason | undefined, device?: GeneratedDevice) => {
    if (loss !== undefined) losses.add(loss);
    else {
      matched++;
      const failure = device && failureOf(device, population.shares);
      if (failure !== undefined) failures.add(failure);
    }
  };
  const { devices, audience } = population;
  for (const device of devices) {
    const isListed = audience.deviceIds.has(device.deviceId);
    const isOfUser = device.userId !== null && audience.userIds.has(device.userId);
    if (isListed || isOfUser) countDevice(lossOf(device, population), device);
    if (isListed && isOfUser) countDevice('duplicate_device');
  }
  losses.add('unknown_device', countOthers(audience.deviceIds, devices, 'deviceId'));
  losses.add('unknown_user', countOthers(audience.userIds, devices, 'userId'));
  return {
    planned: matched + losses.total,
    matched,
    lossReasons: losses.counts,
    failureReasons: failures.counts,
  };
}

function lossOf(device: GeneratedDevice, { unsubscribed }: Population): LossReason | undefined {
  if (unsubscribed.has(device.deviceId)) return 'unsubscribed';
  if (device.isReplaced) return 'invalid_token';
  return device.token === null ? 'no_token' : undefined;
}

function failureOf({ token, platform }: GeneratedDevice, shares: BadShares): string | undefined {
  const fate = token === null ? 'good' : tokenFate(token, shares);
  return fate === 'good' ? undefined : FAILURES[platform][fate];
}

function countOthers(
  ids: ReadonlySet<string>,
  devices: readonly GeneratedDevice[],
  field: 'deviceId' | 'userId',
): number {
  const known = new Set(devices.map((device) => device[field]));
  return [...ids].filter((id) => !known.has(id)).length;
}

class Tally {
  readonly counts: Record<string, number> = {};
  total = 0;

  add(name: string, count = 1): void {
    if (count === 0) return;
    this.counts[name] = (this.counts[name] ?? 0) + count;
    this.total += count;
  }
}
