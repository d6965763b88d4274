import { HOUR_MS } from '../duration.ts';

/** All users who become due within one clock hour are in one push. */
export function hourOf(at: number): number {
  return Math.floor(at / HOUR_MS) * HOUR_MS;
}

export function closingOf(hour: number): number {
  return hour + HOUR_MS;
}
