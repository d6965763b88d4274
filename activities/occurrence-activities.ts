import { Context } from '@temporalio/activity';
import {
  type Client,
  type ScheduleHandle,
  ScheduleNotFoundError,
  ScheduleOverlapPolicy,
  type ScheduleUpdateOptions,
} from '@temporalio/client';
import { findRecurrence } from '../db/tasks/recurrences.ts';
import { findDefinition } from '../db/tasks/task-state.ts';
import { armTrigger, disarmTrigger, isArmed, isAwaited } from '../db/triggers/triggers.ts';
import type { LatePolicy } from '../domain/schedule/late-policy.ts';
import { graceOf } from '../domain/schedule/late-policy.ts';
import {
  calendarsOf,
  type Missed,
  occurrencesBetween,
  type Recurrence,
  weeksOf,
} from '../domain/schedule/recurrence.ts';
import { OCCURRENCE, type OccurrenceInput, TASK_QUEUE } from '../domain/workflows/contract.ts';
import type { ActivityDeps } from './deps.ts';

type TaskKey = { readonly taskId: string };

export interface OccurrenceActivities {
  /**
   * Creates or updates the Schedule, or the trigger, of the task's revision. Answers the occurrences since
   * `after`.
   */
  ensureSchedule(input: TaskKey & { revision: number; isPaused: boolean; after: number }): Promise<Missed>;
  removeSchedule(input: TaskKey): Promise<void>;
  /** Whether an occurrence of the task may still come. */
  hasRemainingOccurrences(input: TaskKey): Promise<{ mayCome: boolean }>;
}

const PREFIX = 'schedule-';
const YEAR_MS = 365 * 86_400_000;

export function scheduleIdOf(taskId: string): string {
  return taskId.replace('task-', PREFIX);
}

export function createOccurrenceActivities({ db, clock }: ActivityDeps): OccurrenceActivities {
  return {
    async ensureSchedule({ taskId, revision, isPaused, after }) {
      const { trigger, latePolicy: policy } = await findDefinition(db, { task_id: taskId, revision });
      if (trigger !== undefined) {
        const graceMs = policy.action === 'send' ? null : graceOf(policy);
        await armTrigger(db, { taskId, revision, trigger, graceMs, paused: isPaused, now: await clock() });
        return { count: 0, last: null };
      }
      const { recurrence, latePolicy, zone } = await findRecurrence(db, { taskId, revision });
      const options = optionsOf({ taskId, revision, recurrence, latePolicy, zone, isPaused });
      await putSchedule(Context.current().client, scheduleIdOf(taskId), options);
      const { startAt } = recurrence;
      const from = Math.max(after, startAt === undefined ? 0 : Date.parse(startAt) - 1);
      const until = Math.min((await clock()).getTime(), endMs(recurrence));
      return occurrencesBetween(calendarsOf(recurrence), zone, from, until);
    },
    async removeSchedule({ taskId }) {
      if (await disarmTrigger(db, taskId)) return;
      await dropSchedule(Context.current().client.schedule.getHandle(scheduleIdOf(taskId)));
    },
    async hasRemainingOccurrences({ taskId }) {
      if (await isArmed(db, taskId)) return { mayCome: await isAwaited(db, taskId) };
      const handle = Context.current().client.schedule.getHandle(scheduleIdOf(taskId));
      try {
        const { info } = await handle.describe();
        return { mayCome: info.runningActions.length > 0 || info.nextActionTimes.length > 0 };
      } catch (error) {
        if (error instanceof ScheduleNotFoundError) return { mayCome: false };
        throw error;
      }
    },
  };
}

function endMs({ endAt }: Recurrence): number {
  return endAt === undefined ? Number.POSITIVE_INFINITY : Date.parse(endAt);
}

interface ScheduleSpec {
  readonly taskId: string;
  readonly revision: number;
  readonly recurrence: Recurrence;
  readonly latePolicy: LatePolicy;
  readonly zone: string;
  readonly isPaused: boolean;
}

/**
 * Overlapping starts are allowed: an occurrence that no worker has taken yet must not swallow the next one.
 */
function optionsOf({ taskId, revision, recurrence, latePolicy, zone, isPaused }: ScheduleSpec) {
  const { startAt, endAt } = recurrence;
  const weeks = weeksOf(recurrence);
  const input: OccurrenceInput = { taskId, revision, zone, ...(weeks === undefined ? {} : { weeks }) };
  return {
    spec: {
      calendars: calendarsOf(recurrence).map(({ minute, hour, dayOfMonth, month, dayOfWeek, year }) => ({
        second: 0,
        minute: [...minute],
        hour: [...hour],
        dayOfMonth: [...dayOfMonth],
        month: month.map((number) => MONTHS[number - 1] ?? 'JANUARY'),
        dayOfWeek: dayOfWeek.map((number) => DAYS[number] ?? 'SUNDAY'),
        ...(year === undefined ? {} : { year: [...year] }),
      })),
      timezone: zone,
      ...(startAt === undefined ? {} : { startAt: new Date(startAt) }),
      ...(endAt === undefined ? {} : { endAt: new Date(endAt) }),
    },
    action: {
      type: 'startWorkflow' as const,
      workflowType: OCCURRENCE,
      taskQueue: TASK_QUEUE,
      workflowId: `occurrence-${taskId.slice('task-'.length)}`,
      args: [input],
    },
    policies: {
      overlap: ScheduleOverlapPolicy.ALLOW_ALL,
      catchupWindow: Math.min(YEAR_MS, Math.max(10_000, graceOf(latePolicy))),
      pauseOnFailure: false,
    },
    state: { paused: isPaused, note: isPaused ? 'the task is paused' : '' },
  };
}

async function putSchedule(
  { schedule }: Client,
  scheduleId: string,
  options: ReturnType<typeof optionsOf>,
): Promise<void> {
  const handle = schedule.getHandle(scheduleId);
  try {
    await handle.update((): ScheduleUpdateOptions => options);
  } catch (error) {
    if (!(error instanceof ScheduleNotFoundError)) throw error;
    await schedule.create({ scheduleId, ...options });
  }
}

async function dropSchedule(handle: ScheduleHandle): Promise<void> {
  try {
    await handle.delete();
  } catch (error) {
    if (!(error instanceof ScheduleNotFoundError)) throw error;
  }
}

/** Deletes the Schedules of tasks that need none, however they ended. Answers how many. */
export async function dropOrphanedSchedules(
  client: Client,
  needed: (taskIds: readonly string[]) => Promise<ReadonlySet<string>>,
): Promise<number> {
  const taskIds: string[] = [];
  for await (const { scheduleId } of client.schedule.list()) {
    if (scheduleId.startsWith(PREFIX)) taskIds.push(scheduleId.replace(PREFIX, 'task-'));
  }
  const kept = await needed(taskIds);
  const orphans = taskIds.filter((taskId) => !kept.has(taskId));
  for (const taskId of orphans) await dropSchedule(client.schedule.getHandle(scheduleIdOf(taskId)));
  return orphans.length;
}

const MONTHS = [
  'JANUARY',
  'FEBRUARY',
  'MARCH',
  'APRIL',
  'MAY',
  'JUNE',
  'JULY',
  'AUGUST',
  'SEPTEMBER',
  'OCTOBER',
  'NOVEMBER',
  'DECEMBER',
] as const;
const DAYS = ['SUNDAY', 'MONDAY', 'TUESDAY', 'WEDNESDAY', 'THURSDAY', 'FRIDAY', 'SATURDAY'] as const;
