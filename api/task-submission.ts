import { findAudienceVersion } from '../db/readiness.ts';
import { zoneOfApp } from '../db/recurrences.ts';
import type { TaskWithDefinition } from '../db/tasks.ts';
import { checkContent } from '../domain/content-check.ts';
import { isTooLate } from '../domain/task-definition.ts';
import { timingFaults } from '../domain/timing-check.ts';
import type { ApiDeps } from './deps.ts';
import { type Fault, Problem } from './problem.ts';

/** What may have changed since the draft was made: its audience, the time, and what contents are checked for. */
export async function checkSubmission(deps: ApiDeps, task: TaskWithDefinition): Promise<void> {
  const { audience, latePolicy, local, content, platforms } = task.definition;
  const faults: Fault[] = [];
  const { appId } = task;
  const version = await findAudienceVersion(deps.db, {
    appId,
    audienceId: audience.id,
    version: audience.version,
  });
  if (version === undefined)
    faults.push({ pointer: '/audience', detail: 'the audience does not exist any more' });
  const now = await deps.clock();
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
    throw new Problem('not_allowed_now', 'The task cannot be submitted as it is: edit it first', {
      errors: faults,
    });
  }
}
