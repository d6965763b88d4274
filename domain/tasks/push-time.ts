import { firstMomentOf } from '../schedule/waves.ts';
import type { TaskDefinition } from './task-definition.ts';

/** When a single task is to push, in epoch milliseconds: by zones, in the first of them. Null: as soon as approved, or not single. */
export function pushTimeOf({ pushAt, local }: TaskDefinition): number | null {
  if (local?.at !== undefined) return firstMomentOf(local.at);
  return pushAt === undefined ? null : Date.parse(pushAt);
}
