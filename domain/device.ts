import type { Channel, Platform } from './platform.ts';

/** Web push has no channel yet. */
export const CHANNEL_OF: Readonly<Record<Platform, Channel | undefined>> = {
  ios: 'apns',
  android: 'fcm',
  web: undefined,
};

/** An ID that the app's developers gave: no spaces, nothing invisible, nothing that was not valid UTF-8. */
export const EXTERNAL_ID = /^[^\s\p{Cc}\p{Cs}\ufffd]{1,200}$/u;

const TOKENS: Readonly<Record<Channel, { pattern: RegExp; fault: string }>> = {
  apns: { pattern: /^(?:[0-9A-Fa-f]{2}){32,200}$/, fault: 'must be 64 or more hexadecimal digits' },
  fcm: { pattern: /^[A-Za-z0-9_:-]{20,4096}$/, fault: 'must be 20 to 4096 letters, digits, _, - or :' },
};

/** Why it cannot be a token of this channel; undefined when it can. */
export function tokenFault(channel: Channel, token: string): string | undefined {
  const { pattern, fault } = TOKENS[channel];
  return pattern.test(token) ? undefined : fault;
}

export type AttributeValue = string | number | boolean | null;
export type Attributes = Readonly<Record<string, AttributeValue>>;

export const LIMITS = {
  locale: 35,
  appVersion: 50,
  tags: 100,
  tag: 100,
  attributes: 50,
  attributeName: 100,
  attributeValue: 500,
} as const;

/** Postgres stores neither NUL nor half a surrogate pair. */
export function isStorable(text: string): boolean {
  return !text.includes('\0') && text.isWellFormed();
}
