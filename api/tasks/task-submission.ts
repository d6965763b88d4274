import { findAudienceVersion } from '../../db/apps/readiness.ts';
import { findAudienceFault } from '../../db/audiences/audience-fault.ts';
import { zoneOfApp } from '../../db/tasks/recurrences.ts';
import type { TaskWithDefinition } from '../../db/tasks/tasks.ts';
import { checkContent } from '../../domain/content/content-check.ts';
import { isTooLate } from '../../domain/schedule/late-policy.ts';
import { timingFaults } from '../../domain/tasks/timing-check.ts';
import type { ApiDeps } from '../http/deps.ts';
import { type Fault, Problem } from '../http/problem.ts';

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
