import { findAudienceVersion } from '../../db/apps/readiness.ts';
import { findAudienceFault } from '../../db/audiences/audience-fault.ts';
import { countPlanned } from '../../db/audiences/estimate.ts';
import { sourceOf } from '../../db/audiences/recipients.ts';
import { RuleError } from '../../db/audiences/rule-context.ts';
import { SQL_STATE, sqlStateOf } from '../../db/core/sql-state.ts';
import { zoneOfApp } from '../../db/tasks/recurrences.ts';
import type { TaskWithDefinition } from '../../db/tasks/tasks.ts';
import { checkContent } from '../../domain/content/content-check.ts';
import { isTooLate } from '../../domain/schedule/late-policy.ts';
import { forecastOf } from '../../domain/tasks/forecast.ts';
import type { TaskStatus } from '../../domain/tasks/task-status.ts';
import { timingFaults } from '../../domain/tasks/timing-check.ts';
import type { ApiDeps } from '../http/deps.ts';
import { createLimiter } from '../http/limit-concurrency.ts';
import { type Fault, Problem } from '../http/problem.ts';
import type { Warning } from './task-checks.ts';

/** Repeats the checks that can change after the draft was made: the audience, the time and the content. */
export async function checkSubmission(deps: ApiDeps, task: TaskWithDefinition): Promise<void> {
  const { latePolicy, local, content, platforms } = task.definition;
  const { appId } = task;
  const now = await deps.clock();
  const faults = await audienceFaults(deps, task, now);
  if (
    isTooLate({ latePolicy, isLocal: local !== undefined }, task.pushAt?.getTime() ?? null, now.getTime())
  ) {
    faults.push({ pointer: '/pushAt', detail: 'has passed by more than the late policy allows' });
  }
  if (task.definition.recurrence !== undefined || task.definition.trigger !== undefined) {
    faults.push(...timingFaults(task.definition, now.getTime(), await zoneOfApp(deps.db, appId)));
  }
  for (const { pointer, detail } of checkContent(content, platforms)) {
    faults.push({ pointer: `/content${pointer}`, detail });
  }
  if (faults.length > 0) {
    throw new Problem('not_allowed_now', 'The task cannot be submitted in its current form: edit it first', {
      errors: faults,
    });
  }
}

/** The audience and its exclusions have to exist and to be computable. */
async function audienceFaults(
  { db }: ApiDeps,
  { appId, definition }: TaskWithDefinition,
  now: Date,
): Promise<Fault[]> {
  const { audience, exclusions = [] } = definition;
  const named = [audience, ...exclusions].map((ref, index) => ({
    ref,
    pointer: index === 0 ? '/audience' : `/exclusions/${index - 1}`,
  }));
  const faults: Fault[] = [];
  for (const { ref, pointer } of named) {
    const found = await findAudienceVersion(db, { appId, audienceId: ref.id, version: ref.version });
    if (found === undefined) faults.push({ pointer, detail: 'the audience no longer exists' });
  }
  if (faults.length > 0) return faults;
  const detail = await findAudienceFault(db, { appId, definition, now });
  return detail === undefined ? [] : [{ pointer: '/audience', detail }];
}

/** A count that takes longer is left out: the answer matters more than the number. */
const TIMEOUT_MS = 2_000;
const MAX_COUNTS = 2;
const limit = createLimiter(MAX_COUNTS);

/** Tasks that wait for approval, or that were approved a moment ago. */
const SPOKEN_OF: readonly TaskStatus[] = ['pending_approval', 'scheduled', 'sending'];

/** What the task will do and when. None for a task that will do nothing. */
export async function forecastWarnings(
  deps: ApiDeps,
  task: TaskWithDefinition,
  { status, counted }: { readonly status: TaskStatus; readonly counted: boolean },
): Promise<Warning[]> {
  if (!SPOKEN_OF.includes(status)) return [];
  const now = (await deps.clock()).getTime();
  const appZone = await zoneOfApp(deps.db, task.appId);
  const devices = counted ? await limit(() => countDevices(deps, task, now)) : undefined;
  const isApproved = status !== 'pending_approval';
  return [forecastOf(task.definition, { now, appZone, isApproved, devices })];
}

/** Undefined when the devices cannot be counted in time. */
async function countDevices(
  { db }: ApiDeps,
  { appId, definition }: TaskWithDefinition,
  now: number,
): Promise<number | undefined> {
  const { audience, platforms, exclusions = [], devices = 'all', pushType } = definition;
  if (pushType === 'trigger') return undefined;
  try {
    const from = { audience: await sourceOf(db, { appId, audience }) };
    const planning = { appId, now: new Date(now), from, platforms, exclusions, devices };
    const { matched, suppressed } = await countPlanned(db, planning, { timeoutMs: TIMEOUT_MS });
    return matched - Object.values(suppressed).reduce((sum, some) => sum + some, 0);
  } catch (error) {
    if (error instanceof RuleError || sqlStateOf(error) === SQL_STATE.queryCanceled) return undefined;
    throw error;
  }
}
