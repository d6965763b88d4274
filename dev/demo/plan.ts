import type { SimulatorConfigInput } from '../simulators/config.ts';

/** What depends on the number of devices. */
export interface Plan {
  /** Fast enough to be soon over, slow enough to be watched and paused in the middle. */
  readonly ratePerSecond: number;
  readonly windowSeconds: number;
  readonly switches: NonNullable<NonNullable<SimulatorConfigInput['apns']>['switches']>;
}

const SEND_SECONDS = 8;
/** A modest machine sends at least so many in a second. */
const SURE_RATE = 2_500;
/** For the pause, for what is retried, and for the last receipts. */
const SPARE_SECONDS = 16;

export const BAD_TOKENS = { shareUnregistered: 0.02, shareBadToken: 0.01 };

export function planFor(devices: number): Plan {
  const sendSeconds = Math.max(SEND_SECONDS, devices / SURE_RATE);
  return {
    ratePerSecond: Math.ceil(devices / SEND_SECONDS),
    windowSeconds: Math.ceil(sendSeconds * 1.5 + SPARE_SECONDS),
    switches: {
      ...BAD_TOKENS,
      // Each may hold all requests of the credential back for a second: a few are enough to see.
      shareThrottled: Math.min(0.02, 4 / devices),
      shareUnavailable: Math.min(0.02, 4 / devices),
      retryAfterSeconds: 1,
      delayMs: { min: 2, max: 25 },
      goawayEveryStreams: Math.max(20, Math.ceil(devices / 10)),
    },
  };
}
