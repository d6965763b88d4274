import { TOO_MANY_REJECTED } from '../../domain/pushes/reasons.ts';
import type { LeaseEnd, LeaseWork } from './lease-work.ts';

/** A lease that waits more than it sends yields its place to other leases after this time. */
const STAY_MS = 5_000;

export interface LeaseProgress {
  /** True while the last request was given back unsent. */
  readonly isProbing: boolean;
  /** Devices whose answers are outstanding. */
  readonly outstanding: number;
  /** Devices that are claimed and wait to be tried again. */
  readonly waiting: number;
  readonly sinceStartMs: number;
}

type Surroundings = Pick<LeaseWork, 'signal' | 'refusals' | 'rejections' | 'pacer' | 'isCrowded'>;

/** Why a lease ends before all of it is sent. Undefined when the lease continues. */
export function endOf(
  { signal, refusals, rejections, pacer, isCrowded }: Surroundings,
  { isProbing, outstanding, waiting, sinceStartMs }: LeaseProgress,
): LeaseEnd | undefined {
  if (signal.aborted) return { kind: 'stopped' };
  if (refusals.halt !== undefined) return { kind: 'refused', reason: refusals.halt };
  if (rejections.areTooMany) return { kind: 'refused', reason: TOO_MANY_REJECTED };
  const isIdle = outstanding === 0 && waiting > 0;
  const isSlow = isProbing || isIdle || pacer.isLimited;
  return isSlow && sinceStartMs > STAY_MS && isCrowded() ? { kind: 'yielded' } : undefined;
}
