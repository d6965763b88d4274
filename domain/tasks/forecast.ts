import { firstMomentOf } from '../schedule/waves.ts';
import type { TaskDefinition } from './task-definition.ts';
import { firstOccurrence, passedTimeOf } from './timing-check.ts';

export const FORECASTS = [
  'sends_at_once',
  'push_time_passed',
  'sends_at',
  'sends_repeatedly',
  'sends_on_command',
  'sends_on_events',
] as const;

export interface Forecast {
  readonly code: (typeof FORECASTS)[number];
  readonly detail: string;
}

export interface Outlook {
  readonly now: number;
  readonly appZone: string;
  readonly isApproved: boolean;
  /** How many devices a push would be sent to now. Undefined when nobody counted them. */
  readonly devices?: number | undefined;
}

/** What the task will do and when, once it is approved. */
export function forecastOf(task: TaskDefinition, outlook: Outlook): Forecast {
  const { pushType } = task;
  const to = reachOf(outlook.devices);
  const begins = outlook.isApproved ? 'The' : 'Once it is approved, the';
  const only = outlook.isApproved ? 'The task sends' : 'Once it is approved, the task sends';
  if (pushType === 'single') return singleForecast(task, outlook.now, `${begins} push is sent`, to);
  if (pushType === 'manual') {
    return { code: 'sends_on_command', detail: `${only} at each send, each time to ${to}` };
  }
  if (pushType === 'trigger') {
    return { code: 'sends_on_events', detail: `${only} to each user whose events meet the trigger` };
  }
  const first = firstOccurrence(task, outlook.now, outlook.appZone);
  const when = first === undefined ? '' : `, first at ${isoOf(first)}`;
  return { code: 'sends_repeatedly', detail: `${only} at each occurrence${when}, each time to ${to}` };
}

function singleForecast(task: TaskDefinition, now: number, sends: string, to: string): Forecast {
  const { pushAt, local } = task;
  const passed = passedTimeOf(task, now);
  if (passed !== undefined) {
    return { code: 'push_time_passed', detail: `${passed.detail}. ${sends} at once to ${to}` };
  }
  if (local?.at !== undefined) {
    const first = Math.max(now, firstMomentOf(local.at));
    const detail = `${sends} when it is ${local.at} where the device is, first at ${isoOf(first)}, to ${to}`;
    return { code: 'sends_at', detail };
  }
  if (pushAt === undefined) return { code: 'sends_at_once', detail: `${sends} at once to ${to}` };
  return { code: 'sends_at', detail: `${sends} at ${isoOf(Date.parse(pushAt))} to ${to}` };
}

function reachOf(devices: number | undefined): string {
  if (devices === undefined) return 'the devices of its audience';
  return `about ${devices.toLocaleString('en-US')} device${devices === 1 ? '' : 's'}`;
}

function isoOf(at: number): string {
  return new Date(at).toISOString().replace('.000Z', 'Z');
}
