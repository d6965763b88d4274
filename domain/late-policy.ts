import type { LatePolicy } from './task-definition.ts';
import { LOCAL_SPAN_MS } from './waves.ts';

/** How late a push may start, in milliseconds. */
export function graceOf(latePolicy: LatePolicy): number {
  return latePolicy.action === 'send' ? Number.POSITIVE_INFINITY : latePolicy.afterMinutes * 60_000;
}

/** Whether a push at `pushAt` would now be so late that the policy skips it: by zones, in the last of them. */
export function isTooLate(
  { latePolicy, isLocal }: { readonly latePolicy: LatePolicy; readonly isLocal?: boolean },
  pushAt: number | null,
  now: number,
): boolean {
  return pushAt !== null && now > lateAfter({ latePolicy, isLocal: isLocal === true }, pushAt);
}

/** After this moment the push is not started any more. */
export function lateAfter(
  { latePolicy, isLocal }: { readonly latePolicy: LatePolicy; readonly isLocal?: boolean },
  pushAt: number,
): number {
  return pushAt + graceOf(latePolicy) + (isLocal === true ? LOCAL_SPAN_MS : 0);
}
