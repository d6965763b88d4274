import {
  type ScheduleClient,
  ScheduleNotFoundError,
  type ScheduleOptions,
  type ScheduleUpdateOptions,
} from '@temporalio/client';
import { defineSearchAttributeKey, SearchAttributeType, TypedSearchAttributes } from '@temporalio/common';
import { temporal } from '@temporalio/proto';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import type { Calendar } from '../../domain/schedule/cron.ts';
import { nextOccurrence } from '../../domain/schedule/recurrence.ts';
import { passTime } from './pass-time.ts';

const SCHEDULED_AT = defineSearchAttributeKey('TemporalScheduledStartTime', SearchAttributeType.DATETIME);
const { IndexedValueType } = temporal.api.enums.v1;
const DAYS = ['SUNDAY', 'MONDAY', 'TUESDAY', 'WEDNESDAY', 'THURSDAY', 'FRIDAY', 'SATURDAY'];
const MONTHS = [
  ...['JANUARY', 'FEBRUARY', 'MARCH', 'APRIL', 'MAY', 'JUNE'],
  ...['JULY', 'AUGUST', 'SEPTEMBER', 'OCTOBER', 'NOVEMBER', 'DECEMBER'],
];

type Kept = Pick<ScheduleOptions, 'spec' | 'action'> & { readonly state?: { readonly paused?: boolean } };

/**
 * Stands in for the Schedules that the time-skipping server lacks. A test against the development server
 * checks that real Schedules compute the same times.
 */
export interface Schedules {
  readonly client: ScheduleClient;
  /** Lets the time pass, and starts each due workflow at its moment. */
  sleepTo(at: number): Promise<void>;
}

export function createSchedules(environment: () => TestWorkflowEnvironment): Schedules {
  const kept = new Map<string, Kept>();
  const clock = async () => await environment().currentTimeMs();
  const must = (id: string): Kept => {
    const schedule = kept.get(id);
    if (schedule === undefined) throw new ScheduleNotFoundError('no such Schedule', id);
    return schedule;
  };

  const handleOf = (scheduleId: string) => ({
    scheduleId,
    update: async (change: (last: never) => ScheduleUpdateOptions) => {
      must(scheduleId);
      kept.set(scheduleId, change(undefined as never) as Kept);
    },
    delete: async () => {
      must(scheduleId);
      kept.delete(scheduleId);
    },
    describe: async () => {
      const schedule = must(scheduleId);
      const next = nextOf(schedule, await clock());
      const nextActionTimes = next === undefined ? [] : [new Date(next)];
      return { state: schedule.state, info: { runningActions: [], nextActionTimes } };
    },
  });

  const client = {
    create: async ({ scheduleId, ...options }: ScheduleOptions) => void kept.set(scheduleId, options as Kept),
    getHandle: handleOf,
    async *list() {
      for (const scheduleId of [...kept.keys()]) yield { scheduleId };
    },
  } as unknown as ScheduleClient;

  let isKnown = false;
  /** Registers the search attribute of Schedules, which a server without Schedules does not know. */
  async function makeKnown(): Promise<void> {
    if (isKnown) return;
    const searchAttributes = { [SCHEDULED_AT.name]: IndexedValueType.INDEXED_VALUE_TYPE_DATETIME };
    await environment().connection.operatorService.addSearchAttributes({
      namespace: 'default',
      searchAttributes,
    });
    isKnown = true;
  }

  async function start({ action }: Kept, at: number): Promise<void> {
    await makeKnown();
    const { workflowType, taskQueue, workflowId, args } = action;
    await environment().client.workflow.start(workflowType, {
      taskQueue,
      args: [...(args ?? [])],
      workflowId: `${workflowId}-${new Date(at).toISOString()}`,
      typedSearchAttributes: new TypedSearchAttributes([{ key: SCHEDULED_AT, value: new Date(at) }]),
    });
  }

  async function sleepTo(until: number): Promise<void> {
    let from = await clock();
    for (;;) {
      const due = [...kept.values()].flatMap((schedule) => {
        const at = schedule.state?.paused === true ? undefined : nextOf(schedule, from);
        return at === undefined || at > until ? [] : [{ schedule, at }];
      });
      const at = Math.min(until, ...due.map((one) => one.at));
      await passTime(environment(), at);
      for (const one of due) if (one.at === at) await start(one.schedule, at);
      if (at === until) return;
      from = at;
    }
  }

  return { client, sleepTo };
}

/** The next start of the Schedule after a moment. */
function nextOf({ spec }: Kept, after: number): number | undefined {
  const { startAt, endAt, calendars = [], timezone = 'UTC' } = spec;
  const from = Math.max(after, startAt === undefined ? 0 : startAt.getTime() - 1);
  const next = nextOccurrence(calendars.map(toCalendar), timezone, from)?.at;
  return next === undefined || (endAt !== undefined && next > endAt.getTime()) ? undefined : next;
}

type Calendars = NonNullable<Kept['spec']['calendars']>;

function toCalendar({ minute, hour, dayOfMonth, month, dayOfWeek, year }: Calendars[number]): Calendar {
  return {
    minute: minute as number[],
    hour: hour as number[],
    dayOfMonth: dayOfMonth as number[],
    month: (month as string[]).map((name) => MONTHS.indexOf(name) + 1),
    dayOfWeek: (dayOfWeek as string[]).map((name) => DAYS.indexOf(name)),
    ...(year === undefined ? {} : { year: year as number[] }),
  };
}
