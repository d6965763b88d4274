import { calendarsOf, nextOccurrence } from '../schedule/recurrence.ts';
import { FIRST_ZONE, firstMomentOf } from '../schedule/waves.ts';
import { LOCAL_SPAN_MS } from '../time/local-time.ts';
import type { TaskDefinition } from './task-definition.ts';

export interface TimingFault {
  readonly pointer: string;
  readonly detail: string;
}

/** The faults of a task's times at this moment, in an app of this zone. */
export function timingFaults(task: TaskDefinition, now: number, appZone: string): TimingFault[] {
  const { recurrence, trigger } = task;
  const passed = passedTimeOf(task, now);
  if (passed !== undefined) return [passed];
  if (trigger?.endAt !== undefined && Date.parse(trigger.endAt) < now) {
    return [{ pointer: '/trigger/endAt', detail: 'must not be in the past' }];
  }
  if (recurrence === undefined) return [];
  const { endAt } = recurrence;
  if (endAt !== undefined && Date.parse(endAt) < now) {
    return [{ pointer: '/recurrence/endAt', detail: 'must not be in the past' }];
  }
  const first = firstOccurrence(task, now, appZone);
  if (first === undefined) return [{ pointer: '/recurrence/rule', detail: 'has no occurrence' }];
  if (endAt === undefined || first <= Date.parse(endAt)) return [];
  return [{ pointer: '/recurrence/endAt', detail: 'must not be before the first push' }];
}

/** The first occurrence from this moment on, in epoch milliseconds. */
export function firstOccurrence(
  { recurrence, local }: TaskDefinition,
  now: number,
  appZone: string,
): number | undefined {
  if (recurrence === undefined) return undefined;
  const { startAt } = recurrence;
  const timeZone = local === undefined ? (recurrence.timeZone ?? appZone) : FIRST_ZONE;
  const from = Math.max(now, startAt === undefined ? 0 : Date.parse(startAt) - 1);
  return nextOccurrence(calendarsOf(recurrence), timeZone, from)?.at;
}

/** The push time of a single task that has passed, or undefined. A local time passes with its last zone. */
export function passedTimeOf({ pushAt, local }: TaskDefinition, now: number): TimingFault | undefined {
  if (pushAt !== undefined && Date.parse(pushAt) < now) {
    return { pointer: '/pushAt', detail: `The push time ${pushAt} has passed` };
  }
  if (local?.at !== undefined && firstMomentOf(local.at) + LOCAL_SPAN_MS < now) {
    return { pointer: '/local/at', detail: `The local time ${local.at} has passed in every time zone` };
  }
  return undefined;
}

/** The definition for a copy: a time that has passed would send the copy at its approval, so it is left out. */
export function withoutPassedTime(
  task: TaskDefinition,
  now: number,
): { readonly definition: TaskDefinition; readonly passed: TimingFault | undefined } {
  const passed = passedTimeOf(task, now);
  if (passed === undefined) return { definition: task, passed };
  const { pushAt: _, local: __, ...definition } = task;
  return { definition, passed };
}

/**
 * The task with its zone named, so that an approved recurrence does not change with the app's zone. Weeks that
 * are counted start with that of the revision, unless the task says when.
 */
export function inZone(task: TaskDefinition, appZone: string, now: Date): TaskDefinition {
  const { recurrence, local } = task;
  if (recurrence === undefined) return task;
  const { rule, startAt } = recurrence;
  const isCounted = rule.every === 'week' && (rule.interval ?? 1) > 1 && startAt === undefined;
  const started = isCounted ? { ...recurrence, startAt: now.toISOString() } : recurrence;
  if (local !== undefined) return { ...task, recurrence: started };
  return { ...task, recurrence: { ...started, timeZone: recurrence.timeZone ?? appZone } };
}
