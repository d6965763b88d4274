export const PLATFORMS = ['ios', 'android', 'web'] as const;
export type Platform = (typeof PLATFORMS)[number];

/** The push service that carries a message to a device. */
export const CHANNELS = ['apns', 'fcm'] as const;
export type Channel = (typeof CHANNELS)[number];
