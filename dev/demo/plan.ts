import type { SimulatorConfigInput } from '../simulators/config.ts';

/** The part of the configuration that depends on the number of devices. */
export interface Plan {
  /** Low enough for the push to be watched, and to be paused in the middle. */
  readonly ratePerSecond: number;
  readonly windowSeconds: number;
  /** A longer push would end after its window. */
  readonly sentWithinMs: number;
  readonly switches: NonNullable<NonNullable<SimulatorConfigInput['apns']>['switches']>;
}

export const SEED = 20_261_122;
export const BAD_TOKENS = { shareUnregistered: 0.02, shareBadToken: 0.01 };

const SEND_SECONDS = 8;
/** The rate that a modest machine reaches. */
const REACHED_RATE = 2_500;
/** Spare time for the pause, for retries, and for the last receipts. */
const SPARE_SECONDS = 16;
const START_WITHIN_MS = 60_000;

export function planFor(devices: number): Plan {
  const sendSeconds = Math.max(SEND_SECONDS, devices / REACHED_RATE);
  const windowSeconds = Math.ceil(sendSeconds * 1.5 + SPARE_SECONDS);
  return {
    ratePerSecond: Math.ceil(devices / SEND_SECONDS),
    windowSeconds,
    sentWithinMs: START_WITHIN_MS + windowSeconds * 1_000,
    switches: {
      ...BAD_TOKENS,
      // Each throttled answer may delay all requests of the credential by a second: a few are enough to see.
      shareThrottled: Math.min(0.02, 4 / devices),
      shareUnavailable: Math.min(0.02, 4 / devices),
      retryAfterSeconds: 1,
      delayMs: { min: 2, max: 25 },
      goawayEveryStreams: Math.max(20, Math.ceil(devices / 10)),
    },
  };
}
