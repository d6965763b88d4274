import type { Channel, Platform } from '../platform.ts';
import { UNSEEN } from '../visible-text.ts';

/** The channel that sends a platform's pushes. Web push has no sender yet. */
export const CHANNEL_OF: Readonly<Record<Platform, Channel | undefined>> = {
  ios: 'apns',
  android: 'fcm',
  web: undefined,
};

/** An ID chosen by the app's developers, without spaces, invisible characters or invalid UTF-8. */
export const EXTERNAL_ID = new RegExp(`^[^\\s${UNSEEN}\\ufffd]{1,200}$`, 'u');
export const EXTERNAL_ID_RULE = 'must be 1 to 200 characters without spaces or invisible characters';

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
