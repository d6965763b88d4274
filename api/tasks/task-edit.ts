import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { insertAuditEntry, type Origin } from '../../db/audit/audit.ts';
import { proposeRevision, reviseDraft } from '../../db/tasks/task-revisions.ts';
import { type TaskWithDefinition, updateRate } from '../../db/tasks/tasks.ts';
import { TaskDefinition, type TaskDefinitionPatch } from '../../domain/tasks/task-definition.ts';
import { isAtRest } from '../../domain/tasks/task-status.ts';
import type { ApiDeps } from '../http/deps.ts';
import { Problem } from '../http/problem.ts';
import { jsonPointer, zodFaults } from '../http/validation.ts';
import { checkDefinition } from './task-checks.ts';
import { executeCommand } from './task-command.ts';
import { refusalOfTask } from './task-view.ts';

export interface Edit {
  readonly task: TaskWithDefinition;
  readonly personId: string;
  readonly origin: Origin;
  readonly now: Date;
}

/** Sets the rate of a draft. The workflow sets the rate of a submitted task. */
export async function setDraftRate(
  deps: ApiDeps,
  { task, now }: Edit,
  ratePerSecond: number | null | undefined,
): Promise<void> {
  if (ratePerSecond === undefined || ratePerSecond === task.ratePerSecond) return;
  const refusal = refusalOfTask(task, 'edit');
  if (refusal !== undefined) throw new Problem('not_allowed_now', refusal);
  if (!isAtRest(task.status)) {
    throw new Problem(
      'not_allowed_now',
      `The rate of a ${task.status} task is set by PUT /v1/tasks/{id}/rate`,
    );
  }
  await updateRate(deps.db, { appId: task.appId, taskId: task.id, ratePerSecond, now });
}

/** The checked definition after the patch. Undefined when the patch changes nothing. */
export async function patchedDefinition(
  deps: ApiDeps,
  { task }: Edit,
  patch: TaskDefinitionPatch,
): Promise<TaskDefinition | undefined> {
  const members = Object.entries({ ...task.definition, ...patch }).filter(([, value]) => value != null);
  const parsed = TaskDefinition.safeParse(Object.fromEntries(members));
  if (!parsed.success) {
    const errors = zodFaults(parsed.error, (path) => ({ pointer: jsonPointer(path) }));
    throw new Problem('invalid_request', 'The edited task is not valid', { errors });
  }
  if (isDeepStrictEqual(parsed.data, task.definition)) return undefined;
  const refusal = refusalOfTask(task, 'edit');
  if (refusal !== undefined) throw new Problem('not_allowed_now', refusal);
  const checked = await checkDefinition(deps, task.appId, parsed.data);
  return isDeepStrictEqual(checked, task.definition) ? undefined : checked;
}

/**
 * Makes a revision. A draft gets the revision at once. A submitted task gets the revision through its
 * workflow, which sends the task back to approval. Returns a text about what is still pending, if anything.
 */
export async function revise(
  deps: ApiDeps,
  { task, personId, origin, now }: Edit,
  definition: TaskDefinition,
): Promise<string | undefined> {
  const { appId, id: taskId } = task;
  const isDraft = task.status === 'draft' || task.status === 'rejected';
  const make = isDraft ? reviseDraft : proposeRevision;
  const made = await make(deps.db, { appId, taskId, definition, madeBy: personId, now, from: task.revision });
  if (!made.ok) {
    throw made.why === 'stale'
      ? staleProblem(made.task.revision)
      : new Problem(
          'not_allowed_now',
          refusalOfTask(made.task, 'edit') ?? 'The task has been submitted since: read it again',
        );
  }
  const { revision } = made;
  if (isDraft) {
    await insertAuditEntry(deps.db, { appId, taskId, personId, action: 'edit', revision, origin, now });
    return undefined;
  }
  const payload = { by: personId, revision };
  const answer = await executeCommand(deps, task, { name: 'revise', payload, origin });
  return answer.pending ? answer.detail : undefined;
}

export const IfMatch = z.looseObject({ 'if-match': z.string().max(500).optional() });

/** `If-Match` of RFC 9110: `*`, or a list of ETags that must contain the one of the current revision. */
export function checkPrecondition(task: TaskWithDefinition, ifMatch: string | undefined): void {
  if (ifMatch === undefined || ifMatch.trim() === '*') return;
  if (!revisionsOf(ifMatch).includes(String(task.revision))) throw staleProblem(task.revision);
}

/** A material change has to name the revision that it is based on (RFC 6585). */
export function requirePrecondition(task: TaskWithDefinition, ifMatch: string | undefined): void {
  if (ifMatch !== undefined) return;
  const errors = [
    { header: 'if-match', detail: `must name the revision that was read, as in "${task.revision}"` },
  ];
  throw new Problem('precondition_required', 'A material edit needs the header If-Match', { errors });
}

/**
 * The opaque parts of the ETags. Proxies that compress make an ETag weak (`W/"2"`) or add their coding to it
 * (`"2-gzip"`). The revision behind both is the one that was read.
 */
const ETAG = /^(?:W\/)?"([^"]*?)(?:[-;](?:gzip|br|deflate|zstd))?"$/;

function revisionsOf(ifMatch: string): string[] {
  return ifMatch.split(',').map((tag) => {
    const revision = ETAG.exec(tag.trim())?.[1];
    if (revision !== undefined) return revision;
    const errors = [{ header: 'if-match', detail: 'must be *, or ETags in double quotes, as in "2"' }];
    throw new Problem('invalid_request', 'The request is not valid', { errors });
  });
}

function staleProblem(current: number): Problem {
  return new Problem('precondition_failed', `The task is at revision ${current} now: read it again`);
}
