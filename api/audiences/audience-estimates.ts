import { z } from 'zod';
import { findAudienceVersion } from '../../db/apps/readiness.ts';
import { estimate } from '../../db/audiences/estimate.ts';
import { type RecipientSource, sourceOf } from '../../db/audiences/recipients.ts';
import { RuleError } from '../../db/audiences/rule-context.ts';
import { SQL_STATE, sqlStateOf } from '../../db/core/sql-state.ts';
import { CombinationDefinition, RuleDefinition, ruleOf } from '../../domain/audiences/audience-definition.ts';
import { AudienceRef } from '../../domain/audiences/audience-rule.ts';
import { PLATFORMS } from '../../domain/platform.ts';
import { AUDIT_ACTIONS } from '../access/audit-actions.ts';
import { appIdOf } from '../access/auth.ts';
import { route } from '../access/route.ts';
import type { ApiDeps, App } from '../http/deps.ts';
import { createLimiter } from '../http/limit-concurrency.ts';
import { type Fault, Problem } from '../http/problem.ts';
import { IsoDate } from '../http/schemas.ts';
import { definitionOf, pinnedDefinition } from './audience-definition.ts';
import { counts } from './audience-schemas.ts';

const EstimateRequest = z
  .strictObject({
    audience: AudienceRef.optional(),
    rule: RuleDefinition.shape.rule.optional(),
    combination: CombinationDefinition.shape.combination.optional(),
    platforms: z.array(z.enum(PLATFORMS)).min(1).max(PLATFORMS.length).optional(),
    exclusions: z.array(AudienceRef).max(10).optional(),
    devices: z.enum(['all', 'last_active']).optional(),
  })
  .refine(
    ({ audience, rule, combination }) =>
      [audience, rule, combination].filter((one) => one !== undefined).length === 1,
    'must have exactly one of audience, rule and combination',
  )
  .meta({ id: 'EstimateRequest' });
type EstimateRequest = z.infer<typeof EstimateRequest>;

const EstimateBody = z
  .object({
    ...counts,
    /** The first and the last registered device of each platform and reason. */
    sample: z.array(
      z.object({
        deviceId: z.string(),
        userId: z.string().nullable(),
        platform: z.enum(PLATFORMS),
        /** Why the device would get nothing, or null when it would be sent to. */
        reason: z.string().nullable(),
      }),
    ),
    asOf: IsoDate,
    tookMs: z.int(),
  })
  .meta({ id: 'AudienceEstimate' });

/** An estimate scans all devices of an app. Few run at once, so that the database has capacity for other work. */
const MAX_ESTIMATES = 2;
const TIMEOUT_MS = 20_000;

export async function audienceEstimateRoutes(app: App, deps: ApiDeps): Promise<void> {
  const limit = createLimiter(MAX_ESTIMATES, () => busy('Too many estimates are running; try again'));
  route(app, {
    method: 'POST',
    path: '/v1/audiences/estimate',
    access: 'audiences.read',
    audit: AUDIT_ACTIONS.estimateAudience,
    schema: {
      operationId: 'estimateAudience',
      summary: 'Estimate how many devices a push reaches',
      example: { rule: { field: 'platform', op: 'in', value: ['ios'] } },
      tags: ['audiences'],
      description:
        'Counts the devices that a push would plan now, and the reasons why some would get nothing.',
      body: EstimateRequest,
      response: { 200: EstimateBody },
    },
    problems: [413, 415],
    handler: async (request) => {
      const appId = appIdOf(request);
      const asOf = await deps.clock();
      const startedAt = performance.now();
      const { platforms = PLATFORMS, devices = 'all' } = request.body;
      const exclusions = await pinned(deps, appId, request.body.exclusions ?? [], '/exclusions/');
      const from = await plannedFrom(deps, appId, request.body);
      const planning = { appId, now: asOf, from, platforms, exclusions, devices };
      const found = await limit(() => judged(() => estimate(deps.db, planning, { timeoutMs: TIMEOUT_MS })));
      return { ...found, asOf, tookMs: Math.round(performance.now() - startedAt) };
    },
  });
}

async function plannedFrom(deps: ApiDeps, appId: string, body: EstimateRequest): Promise<RecipientSource> {
  const definition = definitionOf(body);
  if (definition !== undefined) return { rule: ruleOf(await pinnedDefinition(deps, { appId, definition })) };
  const [audience] = await pinned(
    deps,
    appId,
    body.audience === undefined ? [] : [body.audience],
    '/audience',
  );
  if (audience === undefined) throw invalid([{ pointer: '/audience', detail: 'is required' }]);
  return { audience: await sourceOf(deps.db, { appId, audience }) };
}

/** `place` is the pointer to a single audience, or the prefix before the index of a list. */
async function pinned(
  deps: ApiDeps,
  appId: string,
  refs: readonly AudienceRef[],
  place: string,
): Promise<AudienceRef[]> {
  const faults: Fault[] = [];
  const found: AudienceRef[] = [];
  for (const [index, { id, version }] of refs.entries()) {
    const named = await findAudienceVersion(deps.db, { appId, audienceId: id, version });
    const pointer = place.endsWith('/') ? `${place}${index}` : place;
    if (named === undefined) faults.push({ pointer, detail: 'there is no such audience or version' });
    else found.push({ id, version: named });
  }
  if (faults.length > 0) throw invalid(faults);
  return found;
}

async function judged<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof RuleError) throw invalid([{ pointer: '', detail: error.message }]);
    if (sqlStateOf(error) === SQL_STATE.queryCanceled)
      throw busy(`The estimate took longer than ${TIMEOUT_MS / 1000} s; try again later`);
    throw error;
  }
}

function busy(detail: string): Problem {
  return new Problem('unavailable', detail, { retryAfterSeconds: 2 });
}

function invalid(errors: readonly Fault[]): Problem {
  return new Problem('invalid_request', 'The estimate is not valid', { errors });
}
