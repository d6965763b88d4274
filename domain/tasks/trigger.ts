import { z } from 'zod';
import { HOUR_MS, MINUTE_MS } from '../duration.ts';
import { EventFilter, EventName } from '../events/event.ts';
import { Moment } from '../time-schemas.ts';

/** When a user who was pushed to may be entered again by another event. */
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
    /** Of such an event only those that have these properties. */
    filter: EventFilter.optional(),
    delayMinutes: z.int().min(0).max(43_200).default(0),
    /** This event of the same user, within the delay, cancels it. */
    unless: EventName.optional(),
    /** Events before do not count; from the approval when left out. */
    startAt: Moment.optional(),
    /** Nor do events from then on. */
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

/** How long after the event of the last push another one enters the user again; null is never. */
export function cooldownOf(reentry: Reentry): number | null {
  if (reentry.rule === 'once') return null;
  return reentry.rule === 'after' ? reentry.hours * HOUR_MS : 0;
}

export function delayOf({ delayMinutes }: Trigger): number {
  return delayMinutes * MINUTE_MS;
}

/** After this moment no user becomes due any more; null is never. */
export function lastDueAt(trigger: Trigger): number | null {
  return trigger.endAt === undefined ? null : Date.parse(trigger.endAt) + delayOf(trigger);
}
