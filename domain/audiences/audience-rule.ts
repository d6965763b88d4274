import { z } from 'zod';
import { LIMITS } from '../devices/device.ts';
import { EVENTS_KEPT_DAYS, EventName } from '../events/event.ts';
import { PUSH_ID, TASK_ID } from '../ids.ts';
import { canonicalLocale } from '../locale.ts';
import { PlainText } from '../plain-text.ts';
import { CHANNELS, PLATFORMS } from '../platform.ts';
import { DATE_COMPARISONS } from './relative-date.ts';

export const MAX_VALUES = 1_000;

const Text = PlainText(LIMITS.attributeValue);
const Scalar = z.union([Text, z.number(), z.boolean()], 'must be text, a number, true or false');
const list = <Item extends z.ZodType>(item: Item) => z.array(item).min(1).max(MAX_VALUES);

/** The comparisons for an app's own values. A value of another type than the operand never matches. */
const COMPARISONS = [
  { op: z.literal('exists') },
  { op: z.literal('is'), value: Scalar },
  { op: z.literal('in'), value: list(Scalar) },
  { op: z.enum(['contains', 'starts_with']), value: Text },
  /** Text is ordered by its code points, so that ISO dates work. */
  { op: z.enum(['lt', 'lte', 'gt', 'gte']), value: z.union([z.number(), Text], 'must be a number or text') },
] as const;
type Comparisons = typeof COMPARISONS;

/** One schema per comparison, with the fields that name the compared value. */
function comparing<Fields extends z.core.$ZodLooseShape>(fields: Fields) {
  const [exists, equals, among, text, order] = COMPARISONS satisfies Comparisons;
  return z.discriminatedUnion('op', [
    z.strictObject({ ...fields, ...exists }),
    z.strictObject({ ...fields, ...equals }),
    z.strictObject({ ...fields, ...among }),
    z.strictObject({ ...fields, ...text }),
    z.strictObject({ ...fields, ...order }),
  ]);
}

const PropertyCondition = comparing({ property: PlainText(LIMITS.attributeName) });
export type PropertyCondition = z.infer<typeof PropertyCondition>;

const attribute = { field: z.literal('attribute'), name: PlainText(LIMITS.attributeName) };
const [inDays, anniversary] = DATE_COMPARISONS;
const Attribute = z.discriminatedUnion('op', [
  ...comparing(attribute).options,
  z.strictObject({ ...attribute, ...inDays }),
  z.strictObject({ ...attribute, ...anniversary }),
]);
const Tags = z.strictObject({
  field: z.literal('tags'),
  op: z.enum(['any', 'all']),
  value: list(PlainText(LIMITS.tag)),
});
const Platforms = z.strictObject({
  field: z.literal('platform'),
  op: z.literal('in'),
  value: list(z.enum(PLATFORMS)),
});
const Channels = z.strictObject({
  field: z.literal('channel'),
  op: z.literal('in'),
  value: list(z.enum(CHANNELS)),
});

export const VERSION =
  /^[vV]?\d{1,9}(?:\.\d{1,9}){0,4}(?:-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?(?:\+[0-9A-Za-z.-]*)?$/;
const AppVersion = z.strictObject({
  field: z.literal('appVersion'),
  op: z.enum(['is', 'lt', 'lte', 'gt', 'gte']),
  value: z.string().max(LIMITS.appVersion).regex(VERSION, 'must be a version, as in 2.10.0 or 3.0.0-beta.1'),
});
/** A language matches all of its locales: `pt` matches `pt-BR` and `pt_PT`, and `id` the old `in_ID`. */
const Locale = z.strictObject({
  field: z.literal('locale'),
  op: z.literal('matches'),
  value: list(
    z
      .string()
      .max(LIMITS.locale)
      .refine(
        (text) => canonicalLocale(text) !== undefined,
        'must be a language or locale, as in pt or pt-BR',
      ),
  ),
});
const Days = z.number().positive().max(EVENTS_KEPT_DAYS);
const LastActive = z.strictObject({
  field: z.literal('lastActive'),
  /** `before`: active at some time, but not within these days. A device never active matches neither. */
  op: z.enum(['within', 'before']),
  days: Days,
});
const EventDone = z.strictObject({
  field: z.literal('event'),
  op: z.enum(['done', 'not_done']),
  name: EventName,
  days: Days,
  /** The least number of times. */
  times: z.int().min(1).max(10_000).optional(),
  /** An event counts when it meets all of these conditions. */
  where: z.array(PropertyCondition).min(1).max(10).optional(),
});
/** A condition on pushes whose deliveries still exist, which is for 72 hours. */
const PushResult = z
  .strictObject({
    field: z.literal('push'),
    op: z.enum(['sent', 'received', 'opened']),
    /** One push. With `taskId` all pushes of the task, without both all pushes of the app. */
    pushId: z.string().regex(PUSH_ID, 'must be the ID of a push').optional(),
    taskId: z.string().regex(TASK_ID, 'must be the ID of a task').optional(),
    /** The greatest age of a push, counted from its start. */
    hours: z.number().positive().max(72).optional(),
  })
  .refine((rule) => rule.pushId === undefined || rule.taskId === undefined, {
    message: 'must be omitted when taskId is set',
    path: ['pushId'],
  });
export const AUDIENCE_ID = /^audience-[0-9a-z]{10}$/;
export const AudienceRef = z.strictObject({
  id: z.string().regex(AUDIENCE_ID, 'must be an audience ID'),
  /** The newest version when left out. The stored reference names that version. */
  version: z.int().positive().optional(),
});
export type AudienceRef = z.infer<typeof AudienceRef>;
const InAudience = z.strictObject({
  field: z.literal('audience'),
  op: z.literal('in'),
  ...AudienceRef.shape,
});
/** The conditions on one device, by field. */
export const CONDITIONS = {
  attribute: Attribute,
  tags: Tags,
  platform: Platforms,
  channel: Channels,
  appVersion: AppVersion,
  locale: Locale,
  lastActive: LastActive,
  event: EventDone,
  push: PushResult,
  audience: InAudience,
} as const;
export type Condition = z.infer<(typeof CONDITIONS)[keyof typeof CONDITIONS]>;

export type AudienceRule =
  | { readonly all: readonly AudienceRule[] }
  | { readonly any: readonly AudienceRule[] }
  | { readonly not: AudienceRule }
  | Condition;

export const RULE_LIMITS = { nodes: 200, depth: 10, faults: 100 } as const;
