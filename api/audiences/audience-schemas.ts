import { z } from 'zod';
import {
  AUDIENCE_KINDS,
  CombinationDefinition,
  RuleDefinition,
} from '../../domain/audiences/audience-definition.ts';
import { IsoDate, Label } from '../http/schemas.ts';

const fields = {
  id: z.string(),
  name: z.string(),
  kind: z.enum(AUDIENCE_KINDS),
  version: z.number(),
  /** Null for an audience whose members are determined when it is used. */
  members: z.number().nullable(),
  createdBy: z.string(),
  createdAt: IsoDate,
};
export const AudienceBody = z.object(fields).meta({ id: 'Audience' });

const AudienceVersion = z
  .object({
    version: fields.version,
    members: fields.members,
    /** The definition of a rule or a combination, or the counts of an uploaded file. */
    source: z.record(z.string(), z.unknown()),
    createdBy: fields.createdBy,
    createdAt: IsoDate,
  })
  .meta({ id: 'AudienceVersion' });

const Reasons = z.record(z.string(), z.number());
/** `planned` is `matched` plus the losses. */
export const counts = {
  planned: z.number(),
  matched: z.number(),
  losses: Reasons,
  /** Matched devices that would be suppressed, by reason. */
  suppressed: Reasons,
  platforms: z.record(z.string(), z.object({ planned: z.number(), matched: z.number() })),
};

export const AudienceRefresh = z
  .object({
    state: z.enum(['running', 'done', 'failed']),
    version: z.number(),
    /** Counted in devices of the app, or in IDs for an audience that names its members. */
    done: z.number(),
    total: z.number(),
    /** Partial counts while the recount runs. */
    counts: z.object(counts),
    reason: z.string().nullable(),
    /** The moment for which the counts hold. */
    startedAt: IsoDate,
    finishedAt: IsoDate.nullable(),
  })
  .meta({ id: 'AudienceRefresh' });

export const AudienceDetails = z
  .object({ ...fields, versions: z.array(AudienceVersion), refresh: AudienceRefresh.nullable() })
  .meta({ id: 'AudienceDetails' });

const name = Label(100);
export const NewAudience = z
  .discriminatedUnion('kind', [
    z.strictObject({ name, kind: z.literal('all') }),
    z.strictObject({ name, kind: z.literal('rule'), ...RuleDefinition.shape }),
    z.strictObject({ name, kind: z.literal('combination'), ...CombinationDefinition.shape }),
  ])
  .meta({ id: 'NewAudience' });

export const AudienceChange = z
  .strictObject({ ...RuleDefinition.shape, ...CombinationDefinition.shape })
  .partial()
  .refine(
    (change) => 'rule' in change !== 'combination' in change,
    'must have exactly one of rule and combination',
  )
  .meta({ id: 'AudienceChange' });
