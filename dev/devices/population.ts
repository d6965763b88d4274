import { apnsToken, fcmToken } from '../simulators/tokens.ts';
import type { Random } from './random.ts';

/** A device as the last row of the file says it is. */
export interface GeneratedDevice {
  readonly deviceId: string;
  readonly platform: 'ios' | 'android';
  readonly token: string | null;
  readonly userId: string | null;
  readonly timeZone: string | null;
  readonly locale: string;
  readonly appVersion: string;
  readonly tags: string;
  readonly attributes: string;
  /** A later device has the same token: the app was installed again. */
  readonly isReplaced: boolean;
}

const SHARES = { ios: 0.45, user: 0.8, token: 0.97, reinstalled: 0.01, timeZone: 0.95 };
/** Users per device: below 1, so that some users have several devices. */
const USERS = 0.6;

const TIME_ZONES = [
  'Asia/Shanghai',
  'Europe/Berlin',
  'America/New_York',
  'America/Sao_Paulo',
  'Asia/Kolkata',
  'Australia/Sydney',
] as const;
const LOCALES = ['zh-CN', 'de-DE', 'en-US', 'pt-BR', 'hi-IN'] as const;
const VERSIONS = ['3.9.0', '4.0.0', '4.0.1', '4.1.0'] as const;
const TAGS = ['', 'vip', 'beta', 'vip;beta'] as const;
const PLANS = ['free', 'silver', 'gold'] as const;

export function generateDevices(count: number, random: Random): GeneratedDevice[] {
  const devices: GeneratedDevice[] = [];
  for (let n = 1; n <= count; n++) {
    const previous = devices.at(-1);
    const device = generateDevice(n, count, random);
    if (previous !== undefined && canTakeOver(previous, device) && random.chance(SHARES.reinstalled)) {
      devices[devices.length - 1] = { ...previous, isReplaced: true };
      devices.push({ ...device, token: previous.token });
    } else devices.push(device);
  }
  return devices;
}

function canTakeOver(previous: GeneratedDevice, device: GeneratedDevice): boolean {
  return previous.platform === device.platform && previous.token !== null;
}

function generateDevice(n: number, count: number, random: Random): GeneratedDevice {
  const platform = random.chance(SHARES.ios) ? 'ios' : 'android';
  const token = platform === 'ios' ? apnsToken(n) : fcmToken(n);
  return {
    deviceId: `device-${String(n).padStart(7, '0')}`,
    platform,
    token: random.chance(SHARES.token) ? token : null,
    userId: random.chance(SHARES.user) ? `user-${random.below(Math.ceil(count * USERS))}` : null,
    timeZone: random.chance(SHARES.timeZone) ? random.pick(TIME_ZONES) : null,
    locale: random.pick(LOCALES),
    appVersion: random.pick(VERSIONS),
    tags: random.pick(TAGS),
    attributes: JSON.stringify({ plan: random.pick(PLANS), visits: random.below(100) }),
    isReplaced: false,
  };
}
