import { PLATFORMS, type Platform } from '../../domain/platform.ts';
import { PLATFORM_CODE } from '../../domain/pushes/delivery.ts';

/** The platform code in counters for planned IDs without a platform. */
export const NO_PLATFORM = -1;

/** Null for planned IDs without a platform. */
export function platformOf(code: number | null): Platform | null {
  return PLATFORMS.find((platform) => PLATFORM_CODE[platform] === code) ?? null;
}

export function platformsOf(codes: readonly number[]): ReadonlySet<Platform> {
  return new Set(codes.flatMap((code) => platformOf(code) ?? []));
}
