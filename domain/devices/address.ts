import { DAY_MS } from '../duration.ts';
import type { CHANNELS, Platform } from '../platform.ts';
import { readSubscription, subscriptionFault } from './web-push.ts';

/** The services that carry messages to a device's address. Only the `CHANNELS` have a sender. */
export type AddressChannel = (typeof CHANNELS)[number] | 'web_push' | OemChannel;
export const OEM_CHANNELS = ['huawei', 'honor', 'xiaomi', 'oppo', 'vivo', 'meizu'] as const;
export type OemChannel = (typeof OEM_CHANNELS)[number];

/** The kinds of addresses. The kind of an OEM's registration ID is the OEM's name. */
export const ADDRESS_KINDS = [
  'apns_token',
  'fcm_token',
  'fcm_installation_id',
  'web_push',
  ...OEM_CHANNELS,
] as const;
export type AddressKind = (typeof ADDRESS_KINDS)[number];

/** The address of a device. `token` is the channel's token, ID or subscription (as JSON). */
export interface Address {
  readonly kind: AddressKind;
  readonly token: string | null;
}

/** The kind of an address that comes without one. */
export const USUAL_KIND: Readonly<Record<Platform, AddressKind>> = {
  ios: 'apns_token',
  android: 'fcm_token',
  web: 'web_push',
};

interface Rules {
  readonly channel: AddressChannel;
  readonly platform: Platform;
  /** Whether a sender takes this kind of address today. */
  readonly isSent: boolean;
  readonly fault: (token: string) => string | undefined;
}

const matching = (pattern: RegExp, fault: string) => (token: string) =>
  pattern.test(token) ? undefined : fault;

function oem(channel: OemChannel): Rules {
  const fault = matching(
    /^[A-Za-z0-9+/=_.:%-]{10,1000}$/,
    'must be a registration ID of 10 to 1000 characters',
  );
  return { channel, platform: 'android', isSent: false, fault };
}

const RULES: Readonly<Record<AddressKind, Rules>> = {
  apns_token: {
    channel: 'apns',
    platform: 'ios',
    isSent: true,
    fault: matching(/^(?:[0-9A-Fa-f]{2}){32,200}$/, 'must be 64 or more hexadecimal digits'),
  },
  fcm_token: {
    channel: 'fcm',
    platform: 'android',
    isSent: true,
    fault: matching(/^[A-Za-z0-9_:-]{20,4096}$/, 'must be 20 to 4096 letters, digits, _, - or :'),
  },
  fcm_installation_id: {
    channel: 'fcm',
    platform: 'android',
    isSent: false,
    fault: matching(/^[c-f][A-Za-z0-9_-]{21}$/, 'must be a Firebase installation ID of 22 characters'),
  },
  web_push: {
    channel: 'web_push',
    platform: 'web',
    isSent: false,
    fault: (token) => {
      const subscription = readSubscription(token);
      if (subscription === undefined)
        return 'must be a push subscription as JSON: endpoint, keys.p256dh, keys.auth';
      const found = subscriptionFault(subscription);
      return found && `${found.at} ${found.fault}`;
    },
  },
  huawei: oem('huawei'),
  honor: oem('honor'),
  xiaomi: oem('xiaomi'),
  oppo: oem('oppo'),
  vivo: oem('vivo'),
  meizu: oem('meizu'),
};

export function channelOfKind(kind: AddressKind): AddressChannel {
  return RULES[kind].channel;
}

export function fitsPlatform(kind: AddressKind, platform: Platform): boolean {
  return RULES[kind].platform === platform;
}

/** Why a token cannot be an address of this kind, or undefined. */
export function addressFault(kind: AddressKind, token: string): string | undefined {
  return RULES[kind].fault(token);
}

/** The token as it is stored. Case matters in all kinds but APNs, whose tokens are hexadecimal. */
export function normalToken(kind: AddressKind, token: string): string {
  return kind === 'apns_token' ? token.toLowerCase() : token;
}

/**
 * `active`: pushes go to the address. `no_sender`: a valid address of a kind without a sender. Such a device
 * counts as one without a token, until the release that adds the sender makes the address active.
 */
export const LIVE_STATES = ['active', 'no_sender'] as const;
export const TOKEN_STATES = [...LIVE_STATES, 'none', 'invalid', 'replaced'] as const;
export type TokenState = (typeof TOKEN_STATES)[number];

export function stateOfAddress({ kind, token }: Address): 'active' | 'no_sender' | 'none' {
  if (token === null) return 'none';
  return RULES[kind].isSent ? 'active' : 'no_sender';
}

const STALE_MS = 30 * DAY_MS;

/** The moment before which an address is stale. Stale addresses get pushes until a service rejects them. */
export function staleBefore(now: Date): Date {
  return new Date(now.getTime() - STALE_MS);
}
