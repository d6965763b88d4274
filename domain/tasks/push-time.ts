import { firstMomentOf } from '../schedule/waves.ts';
import type { TaskDefinition } from './task-definition.ts';

/**
 * The push time of a single task in epoch milliseconds. For a push by zones, the time in the first zone. Null
 * for a push at approval and for other types.
 */
export function pushTimeOf({ pushAt, local }: TaskDefinition): number | null {
  if (local?.at !== undefined) return firstMomentOf(local.at);
  return pushAt === undefined ? null : Date.parse(pushAt);
}
