import { z } from 'zod';
import { AudienceRef } from '../audiences/audience-rule.ts';
import { CapUse, MESSAGE_CLASSES, type MessageClass, QuietUse } from '../caps/cap.ts';
import { Content } from '../content/content.ts';
import { EventFilter } from '../events/event.ts';
import { PLATFORMS } from '../platform.ts';
import { graceOf, type LatePolicy } from '../schedule/late-policy.ts';
import { Recurrence } from '../schedule/recurrence.ts';
import { PAST_ZONES } from '../schedule/waves.ts';
import { isLocalTime } from '../time/local-time.ts';
import { Moment } from '../time-schemas.ts';
import { PUSH_TYPES, type PushType } from './task-status.ts';
import { Trigger } from './trigger.ts';

const LatePolicySchema = z
  .discriminatedUnion('action', [
    z.strictObject({ action: z.literal('skip'), afterMinutes: z.int().min(0).max(10_080).default(60) }),
    z.strictObject({ action: z.literal('send') }),
  ])
  .meta({ id: 'LatePolicy' }) satisfies z.ZodType<LatePolicy>;

/** The conversion event that measures the task's effect. */
export const Target = z
  .strictObject({
    event: z.string().trim().min(1).max(100),
    windowHours: z.int().min(1).max(720).default(72),
    filter: EventFilter.optional(),
  })
  .meta({ id: 'Target' });

/** A push at each device's local time. Zones whose clocks show that time at the same moment make one wave. */
export const LocalTiming = z
  .strictObject({
    /** For single tasks. The time of a recurring task is in its rule. */
    at: z.string().refine(isLocalTime, 'must be a local date and time, as in 2027-01-31T09:00').optional(),
    past: z.enum(PAST_ZONES).default('skip'),
  })
  .meta({ id: 'LocalTiming' });
export type LocalTiming = z.infer<typeof LocalTiming>;

const fields = {
  channel: z.literal('push'),
  platforms: z.array(z.enum(PLATFORMS)).min(1).max(PLATFORMS.length),
  audience: AudienceRef,
  /** When the members are fixed: at each push, or once at the approval of the revision. */
  audienceAt: z.enum(['push', 'approval']),
  /** Devices in one of these audiences get nothing. */
  exclusions: z.array(AudienceRef).max(10),
  /** Whether a user with several devices gets the push on all of them, or on the last active one only. */
  devices: z.enum(['all', 'last_active']),
  pushType: z.enum(PUSH_TYPES),
  /** For single tasks. The push starts at approval when left out. */
  pushAt: Moment,
  /** For recurring tasks. */
  recurrence: Recurrence,
  /** For trigger tasks. */
  trigger: Trigger,
  /** Each device has its own zone. A device without a zone has the app's. */
  local: LocalTiming,
  latePolicy: LatePolicySchema,
  content: Content,
  /** Marketing when left out. */
  messageClass: z.enum(MESSAGE_CLASSES),
  /** Whether the app's caps apply to the task, and whether the task counts towards them. */
  caps: CapUse,
  quietHours: QuietUse,
  /** For requests that were written and never answered. After `resend` some devices get the message twice. */
  onAmbiguous: z.enum(['leave', 'resend']),
  target: Target,
};

const COMES_DUE: readonly PushType[] = ['recurring', 'trigger'];

/** The material part of a task. A change makes a new revision, which goes back to approval. */
export const TaskDefinition = z
  .strictObject({
    ...fields,
    channel: fields.channel.default('push'),
    platforms: fields.platforms.default([...PLATFORMS]),
    audienceAt: fields.audienceAt.optional(),
    exclusions: fields.exclusions.optional(),
    devices: fields.devices.optional(),
    pushAt: fields.pushAt.optional(),
    recurrence: fields.recurrence.optional(),
    trigger: fields.trigger.optional(),
    local: fields.local.optional(),
    latePolicy: LatePolicySchema.default({ action: 'skip', afterMinutes: 60 }),
    messageClass: fields.messageClass.optional(),
    caps: fields.caps.optional(),
    quietHours: fields.quietHours.optional(),
    onAmbiguous: fields.onAmbiguous.optional(),
    target: Target.optional(),
  })
  .refine((task) => task.pushType === 'single' || task.pushAt === undefined, {
    message: 'is only allowed for single tasks; start a manual task with send',
    path: ['pushAt'],
  })
  .refine((task) => (task.pushType === 'recurring') === (task.recurrence !== undefined), {
    message: 'is required for recurring tasks and not allowed for others',
    path: ['recurrence'],
  })
  .refine((task) => (task.pushType === 'trigger') === (task.trigger !== undefined), {
    message: 'is required for trigger tasks and not allowed for others',
    path: ['trigger'],
  })
  .refine(({ pushType, audienceAt }) => pushType !== 'trigger' || audienceAt !== 'approval', {
    message: "a trigger task's audience cannot be frozen at approval",
    path: ['audienceAt'],
  })
  .refine(({ pushType, latePolicy }) => !COMES_DUE.includes(pushType) || graceOf(latePolicy) > 0, {
    message: 'must be at least 1 for recurring and trigger tasks, because a push takes a moment to start',
    path: ['latePolicy', 'afterMinutes'],
  })
  .superRefine(({ pushType, local, pushAt, recurrence }, context) => {
    const fault = (path: string[], message: string) => context.addIssue({ code: 'custom', path, message });
    if (local === undefined) return;
    if (pushType !== 'single' && pushType !== 'recurring') {
      fault(['local'], 'is only allowed for single and recurring tasks');
    }
    if ((pushType === 'single') !== (local.at !== undefined)) {
      fault(['local', 'at'], 'is required for single tasks and not allowed for others');
    }
    if (pushAt !== undefined) fault(['pushAt'], 'must be omitted when local.at is set');
    if (recurrence?.timeZone !== undefined)
      fault(['recurrence', 'timeZone'], 'must be omitted when local is set: each device has its own zone');
  })
  .meta({ id: 'TaskDefinition' });
export type TaskDefinition = z.infer<typeof TaskDefinition>;

/** Fields that an edit may name. Null removes an optional field. */
export const TaskDefinitionPatch = z
  .strictObject({
    ...fields,
    pushAt: fields.pushAt.nullable(),
    recurrence: Recurrence.nullable(),
    trigger: Trigger.nullable(),
    local: LocalTiming.nullable(),
    target: Target.nullable(),
  })
  .partial()
  .meta({ id: 'TaskDefinitionPatch' });
export type TaskDefinitionPatch = z.infer<typeof TaskDefinitionPatch>;

export function classOf({ messageClass = 'marketing' }: Pick<TaskDefinition, 'messageClass'>): MessageClass {
  return messageClass;
}

/** Devices per second. Null means as fast as the push services accept. */
export const RatePerSecond = z.int().positive().max(1_000_000).nullable();
