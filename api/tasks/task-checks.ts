import { z } from 'zod';
import { findAudienceVersion, findReadiness } from '../../db/apps/readiness.ts';
import { findAudienceFault } from '../../db/audiences/audience-fault.ts';
import { SQL_STATE, sqlStateOf } from '../../db/core/sql-state.ts';
import { countMissingValues } from '../../db/preparation/missing-values.ts';
import { zoneOfApp } from '../../db/tasks/recurrences.ts';
import type { AudienceRef } from '../../domain/audiences/audience-rule.ts';
import { checkContent } from '../../domain/content/content-check.ts';
import { needsOf } from '../../domain/content/content-needs.ts';
import { type MissingValues, missingValuesWarning } from '../../domain/content/missing-values.ts';
import { CHANNEL_OF } from '../../domain/devices/device.ts';
import { isStorable } from '../../domain/plain-text.ts';
import type { Channel, Platform } from '../../domain/platform.ts';
import { FORECASTS } from '../../domain/tasks/forecast.ts';
import type { TaskDefinition } from '../../domain/tasks/task-definition.ts';
import type { TaskStatus } from '../../domain/tasks/task-status.ts';
import { inZone, timingFaults } from '../../domain/tasks/timing-check.ts';
import type { ApiDeps } from '../http/deps.ts';
import { createLimiter } from '../http/limit-concurrency.ts';
import { type Fault, Problem } from '../http/problem.ts';

export const Warning = z
  .object({
    code: z.enum([
      'credentials_missing',
      'receipts_missing',
      'audience_unreadable',
      'values_missing',
      'push_time_left_out',
      ...FORECASTS,
    ]),
    detail: z.string(),
  })
  .meta({ id: 'Warning' });
export type Warning = z.infer<typeof Warning>;

/**
 * Checks a new definition beyond its shape. Returns the definition with the audience's version pinned.
 * Throws a problem that lists every fault.
 */
export async function checkDefinition(
  deps: ApiDeps,
  appId: string,
  definition: TaskDefinition,
): Promise<TaskDefinition> {
  const faults: Fault[] = [];
  const { audience, content } = definition;
  const pin = async (ref: AudienceRef, pointer: string): Promise<AudienceRef> => {
    const { id: audienceId, version } = ref;
    const pinned = await findAudienceVersion(deps.db, { appId, audienceId, version });
    if (pinned !== undefined) return { id: audienceId, version: pinned };
    const what = version === undefined ? 'audience' : 'version of an audience';
    faults.push({ pointer, detail: `there is no such ${what}` });
    return ref;
  };
  const pinned = await pin(audience, '/audience');
  const exclusions: AudienceRef[] = [];
  for (const [index, ref] of (definition.exclusions ?? []).entries()) {
    exclusions.push(await pin(ref, `/exclusions/${index}`));
  }
  const zone = await zoneOfApp(deps.db, appId);
  const now = await deps.clock();
  faults.push(...timingFaults(definition, now.getTime(), zone));
  if (!isStorable(definition))
    faults.push({ pointer: '', detail: 'must not contain NUL or broken characters' });
  for (const { pointer, detail } of checkContent(content, definition.platforms)) {
    faults.push({ pointer: `/content${pointer}`, detail });
  }
  if (faults.length > 0) {
    throw new Problem('invalid_request', 'The task is not valid', { errors: faults });
  }
  return {
    ...inZone(definition, zone, now),
    audience: pinned,
    ...(exclusions.length === 0 ? {} : { exclusions }),
  };
}

const SENDS_NO_MORE: readonly TaskStatus[] = ['collecting', 'completed', 'cancelled', 'expired', 'failed'];

/** Warnings that do not block the task, but that should be known before a send. */
export async function warningsOf(
  deps: ApiDeps,
  appId: string,
  definition: TaskDefinition,
  status: TaskStatus = 'draft',
): Promise<Warning[]> {
  const { platforms } = definition;
  const [ready, fault] = await Promise.all([
    findReadiness(deps.db, { appId }),
    SENDS_NO_MORE.includes(status)
      ? undefined
      : findAudienceFault(deps.db, { appId, definition, now: await deps.clock() }),
  ]);
  const needed = new Set(platforms.flatMap((platform) => CHANNEL_OF[platform] ?? []));
  const warnings: Warning[] = [...needed]
    .filter((channel) => !ready.channels.includes(channel))
    .map((channel) => ({
      code: 'credentials_missing',
      detail: `The app has no ${channel} credentials: devices on ${platformsOf(channel, platforms)} cannot be reached`,
    }));
  if (!ready.hasSdkKey) {
    const detail = 'The app has no SDK key: impressions, opens and dismissals will not be reported';
    warnings.push({ code: 'receipts_missing', detail });
  } else if (!ready.hasReceipts) {
    const detail =
      'No device has reported a receipt yet: impressions, opens and dismissals are n/a until one does';
    warnings.push({ code: 'receipts_missing', detail });
  }
  if (fault !== undefined) {
    warnings.push({ code: 'audience_unreadable', detail: `A push sent now would reach nobody: ${fault}` });
  } else if (IS_EDITED.includes(status)) {
    const { content } = definition;
    const names = needsOf(content, 'sometimes').map(({ variable }) => variable);
    const always = needsOf(content).map(({ variable }) => variable);
    const counted = names.length === 0 ? undefined : await countedMissing(deps, appId, definition);
    const detail = missingValuesWarning({ names, always }, counted);
    if (detail !== undefined) warnings.push({ code: 'values_missing', detail });
  }
  return warnings;
}

const IS_EDITED: readonly TaskStatus[] = ['draft', 'pending_approval', 'rejected'];
/** A count scans the devices of an app. Few run at once, and the warning does without a number in time. */
const MAX_COUNTS = 2;
const COUNT_TIMEOUT_MS = 3000;
class Busy extends Error {}
const limitCounts = createLimiter(MAX_COUNTS, () => new Busy());

/** Undefined when the database is too busy to count. */
async function countedMissing(
  { db, clock }: ApiDeps,
  appId: string,
  definition: TaskDefinition,
): Promise<MissingValues | undefined> {
  const now = await clock();
  const timeout = { timeoutMs: COUNT_TIMEOUT_MS };
  try {
    return await limitCounts(() => countMissingValues(db, { appId, definition, now }, timeout));
  } catch (error) {
    if (error instanceof Busy || sqlStateOf(error) === SQL_STATE.queryCanceled) return undefined;
    throw error;
  }
}

function platformsOf(channel: Channel, platforms: readonly Platform[]): string {
  return platforms.filter((platform) => CHANNEL_OF[platform] === channel).join(' and ');
}
