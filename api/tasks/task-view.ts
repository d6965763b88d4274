import { z } from 'zod';
import { findAppStop } from '../../db/apps/app-stop.ts';
import { readLatestPushes } from '../../db/statistics/statistics.ts';
import { readTotalsOf } from '../../db/statistics/totals.ts';
import { readTaskLinks } from '../../db/tasks/task-links.ts';
import type { ListedTask } from '../../db/tasks/task-list.ts';
import type { TaskWithDefinition } from '../../db/tasks/tasks.ts';
import { APPROVAL_STATES, approvalStateOf } from '../../domain/tasks/approval-state.ts';
import { TaskDefinition } from '../../domain/tasks/task-definition.ts';
import {
  ACTIONS,
  type Action,
  PUSH_TYPES,
  refusalOf,
  TASK_STATUSES,
  type TaskContext,
} from '../../domain/tasks/task-status.ts';
import { AppStop } from '../http/app-stop-view.ts';
import type { ApiDeps } from '../http/deps.ts';
import { IsoDate } from '../http/schemas.ts';
import { PushBody, renderPush } from '../pushes/push-view.ts';
import { Warning } from './task-checks.ts';
import { rowFiguresOf, TaskFigures } from './task-figures.ts';

const Person = z.object({ id: z.string(), name: z.string() });

const summary = {
  id: z.string(),
  name: z.string(),
  /** The folder of the task, with the names on the path from the root. */
  subgroup: z.object({ id: z.string(), name: z.string(), path: z.array(z.string()) }).nullable(),
  subCampaigns: z.array(z.object({ id: z.string(), name: z.string() })),
  status: z.enum(TASK_STATUSES),
  statusReason: z.string().nullable(),
  pushType: z.enum(PUSH_TYPES),
  channel: z.string(),
  pushAt: IsoDate.nullable(),
  ratePerSecond: z.int().nullable(),
  creator: Person,
  revision: z.int(),
  approvedRevision: z.int().nullable(),
  approval: z.enum(APPROVAL_STATES),
  archivedAt: IsoDate.nullable(),
  createdAt: IsoDate,
  updatedAt: IsoDate,
  /** The actions that the task allows now. */
  allowed: z.array(z.enum(ACTIONS)),
  /** The reason why each other action is not allowed now. */
  refusals: z.partialRecord(z.enum(ACTIONS), z.string()),
  latestPush: PushBody.nullable(),
  /** Live totals of all pushes of the task. Null before the first push. */
  figures: TaskFigures.nullable(),
};

export const TaskSummary = z.object(summary).meta({ id: 'TaskSummary' });
export type TaskSummary = z.infer<typeof TaskSummary>;

export const TaskBody = z
  .object({
    ...summary,
    definition: TaskDefinition,
    /** The author of this revision. */
    madeBy: z.string(),
    /** The task's workflow in Temporal's web UI. */
    workflowUrl: z.string().nullable(),
    warnings: z.array(Warning),
    /** Set while the emergency stop holds everything of the app. */
    appStop: AppStop.nullable(),
  })
  .meta({ id: 'Task' });
export type TaskBody = z.infer<typeof TaskBody>;

export async function renderTask(
  deps: ApiDeps,
  task: TaskWithDefinition,
  warnings: Warning[] = [],
): Promise<TaskBody> {
  const [shown] = await renderTasks(deps, [task]);
  if (shown === undefined) throw new Error(`Task ${task.id} was not rendered`);
  const { definition, madeBy } = task;
  const appStop = (await findAppStop(deps.db, { appId: task.appId })) ?? null;
  return { ...shown, definition, madeBy, workflowUrl: workflowUrlOf(deps, task), warnings, appStop };
}

/** A task that was never submitted has no workflow. */
function workflowUrlOf({ config, temporal }: ApiDeps, { id, submission }: TaskWithDefinition): string | null {
  if (config.temporalUiUrl === undefined || submission === 0) return null;
  const { namespace } = temporal.options;
  return new URL(`/namespaces/${encodeURIComponent(namespace)}/workflows/${id}`, config.temporalUiUrl).href;
}

export async function renderTasks(deps: ApiDeps, tasks: readonly ListedTask[]): Promise<TaskSummary[]> {
  const taskIds = tasks.map((task) => task.id);
  const now = await deps.clock();
  const [latest, links] = await Promise.all([
    readLatestPushes(deps.db, { taskIds, now }),
    readTaskLinks(deps.db, taskIds),
  ]);
  // Most tasks have a single push, whose figures are those of the task.
  const repeated = [...latest.values()].flatMap(({ push }) => (push.seq > 1 ? push.taskId : []));
  const totals = await readTotalsOf(deps.db, repeated);
  return tasks.map((task) => {
    const { id, subgroupId } = task;
    const { path, subCampaigns } = links.get(id) ?? { path: [], subCampaigns: [] };
    const last = latest.get(id);
    const figures = totals.get(id) ?? last?.figures;
    return {
      ...summaryOf(task),
      subgroup: subgroupId === null ? null : { id: subgroupId, name: path.at(-1) ?? '', path },
      subCampaigns,
      latestPush: last === undefined ? null : renderPush(last.push, last.answer, now),
      figures: figures === undefined ? null : rowFiguresOf(figures),
    };
  });
}

/** The reason why the task does not allow the action now. A deleted task can only be copied. */
export function refusalOfTask(
  task: TaskContext & { archivedAt: Date | null },
  action: Action,
): string | undefined {
  if (task.archivedAt !== null && action !== 'copy') return `${action} is not allowed: the task was deleted`;
  return refusalOf(action, task);
}

function summaryOf(
  task: ListedTask,
): Omit<TaskSummary, 'subgroup' | 'subCampaigns' | 'latestPush' | 'figures'> {
  const { appId: _, submission: __, inPush: ___, subgroupId: ____, creator, creatorName, ...shown } = task;
  const refusals: Partial<Record<Action, string>> = {};
  for (const action of ACTIONS) {
    const refusal = refusalOfTask(task, action);
    if (refusal !== undefined) refusals[action] = refusal;
  }
  const allowed = ACTIONS.filter((action) => refusals[action] === undefined);
  const approval = approvalStateOf(task);
  return { ...shown, approval, creator: { id: creator, name: creatorName }, allowed, refusals };
}
