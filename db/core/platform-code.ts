import { PLATFORMS, type Platform } from '../../domain/platform.ts';
import { PLATFORM_CODE } from '../../domain/pushes/delivery.ts';

/** What counters hold where a planned ID has no platform. */
export const NO_PLATFORM = -1;

/** null where a planned ID has no platform. */
export function platformOf(code: number | null): Platform | null {
  return PLATFORMS.find((platform) => PLATFORM_CODE[platform] === code) ?? null;
}

export function platformsOf(codes: readonly number[]): ReadonlySet<Platform> {
  return new Set(codes.flatMap((code) => platformOf(code) ?? []));
}
