import { z } from 'zod';
import { HOUR_MS, MINUTE_MS } from '../duration.ts';
import { EventFilter, EventName } from '../events/event.ts';
import { Moment } from '../time-schemas.ts';

/** Whether another event of a user who already got the push starts the task again. */
const Reentry = z.discriminatedUnion('rule', [
  z.strictObject({ rule: z.literal('once') }),
  z.strictObject({ rule: z.literal('after'), hours: z.int().min(1).max(8_760) }),
  z.strictObject({ rule: z.literal('always') }),
]);
type Reentry = z.infer<typeof Reentry>;

/** An event of a user starts the task for that user. */
export const Trigger = z
  .strictObject({
    event: EventName,
    /** Only events with these properties count. */
    filter: EventFilter.optional(),
    delayMinutes: z.int().min(0).max(43_200).default(0),
    /** This event of the same user within the delay cancels the push for that user. */
    unless: EventName.optional(),
    /** Earlier events do not count. The time of the approval when left out. */
    startAt: Moment.optional(),
    /** Events from this time on do not count. */
    endAt: Moment.optional(),
    reentry: Reentry.default({ rule: 'once' }),
  })
  .superRefine(({ event, delayMinutes, unless, startAt, endAt }, context) => {
    const fault = (path: string, message: string) =>
      context.addIssue({ code: 'custom', path: [path], message });
    if (unless !== undefined && delayMinutes === 0) fault('unless', 'requires a delayMinutes of at least 1');
    if (unless === event) fault('unless', 'must differ from event');
    if (startAt !== undefined && endAt !== undefined && Date.parse(endAt) <= Date.parse(startAt)) {
      fault('endAt', 'must be after startAt');
    }
  })
  .meta({ id: 'Trigger' });
export type Trigger = z.infer<typeof Trigger>;

/** The time after the event of a user's last push until another event starts the task again. Null: never. */
export function cooldownOf(reentry: Reentry): number | null {
  if (reentry.rule === 'once') return null;
  return reentry.rule === 'after' ? reentry.hours * HOUR_MS : 0;
}

export function delayOf({ delayMinutes }: Trigger): number {
  return delayMinutes * MINUTE_MS;
}

/** The last moment at which a user can become due. Null: no end. */
export function lastDueAt(trigger: Trigger): number | null {
  return trigger.endAt === undefined ? null : Date.parse(trigger.endAt) + delayOf(trigger);
}
