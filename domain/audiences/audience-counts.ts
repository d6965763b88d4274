import type { Platform } from '../platform.ts';

/** The result of a count: planned devices, those that a push would send to, and the reasons of the rest. */
export interface AudienceCounts {
  readonly planned: number;
  readonly matched: number;
  readonly losses: Readonly<Record<string, number>>;
  readonly suppressed: Readonly<Record<string, number>>;
  readonly platforms: Readonly<Partial<Record<Platform, { planned: number; matched: number }>>>;
}
