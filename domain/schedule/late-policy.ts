import { LOCAL_SPAN_MS } from '../time/local-time.ts';

/** Whether a push starts after its time has passed during approval, a pause or an outage. */
export type LatePolicy =
  | { readonly action: 'skip'; readonly afterMinutes: number }
  | { readonly action: 'send' };

/** How late a push may start, in milliseconds. */
export function graceOf(latePolicy: LatePolicy): number {
  return latePolicy.action === 'send' ? Number.POSITIVE_INFINITY : latePolicy.afterMinutes * 60_000;
}

/** Whether the policy skips a push at `pushAt` that would start now. By zones the last zone decides. */
export function isTooLate(
  { latePolicy, isLocal }: { readonly latePolicy: LatePolicy; readonly isLocal?: boolean },
  pushAt: number | null,
  now: number,
): boolean {
  return pushAt !== null && now > lateAfter({ latePolicy, isLocal: isLocal === true }, pushAt);
}

/** The last moment at which the push may start. */
export function lateAfter(
  { latePolicy, isLocal }: { readonly latePolicy: LatePolicy; readonly isLocal?: boolean },
  pushAt: number,
): number {
  return pushAt + graceOf(latePolicy) + (isLocal === true ? LOCAL_SPAN_MS : 0);
}
