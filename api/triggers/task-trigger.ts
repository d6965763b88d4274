import { z } from 'zod';
import {
  countEntries,
  ENTRY_STATES,
  findTriggerStart,
  findTriggerState,
  TRIGGER_STATES,
} from '../../db/triggers/triggers.ts';
import { route } from '../access/route.ts';
import type { ApiDeps, App } from '../http/deps.ts';
import { notFound } from '../http/problem.ts';
import { IdParams, IsoDate } from '../http/schemas.ts';
import { taskOf } from '../tasks/task-lookup.ts';

const TriggerBody = z
  .object({
    /** `off` before the approval and after the end. */
    state: z.enum(TRIGGER_STATES),
    /** Events before this moment enter nobody. Null while the trigger is off. */
    startsAt: IsoDate.nullable(),
    /** The number of users by the state of their last entry. */
    users: z.record(z.enum(ENTRY_STATES), z.int()),
    /** The due time of the first waiting user. */
    nextDueAt: IsoDate.nullable(),
  })
  .meta({ id: 'TaskTrigger' });

export async function taskTriggerRoutes(app: App, deps: ApiDeps): Promise<void> {
  route(app, {
    method: 'GET',
    path: '/v1/tasks/:id/trigger',
    access: 'tasks.read',
    schema: {
      operationId: 'getTaskTrigger',
      summary: 'Get the state of a trigger task',
      tags: ['tasks'],
      description:
        'The users whom events have entered into a trigger task, by state: waiting, taken into a push, ' +
        'cancelled (by the unless-event, a cancel or an edit), or skipped as too late.',
      params: IdParams,
      response: { 200: TriggerBody },
    },
    problems: [404],
    handler: async (request) => {
      const { id: taskId, pushType } = await taskOf(deps, request);
      if (pushType !== 'trigger') throw notFound('trigger');
      const [state, startsAt, entries] = await Promise.all([
        findTriggerState(deps.db, taskId),
        findTriggerStart(deps.db, taskId),
        countEntries(deps.db, taskId),
      ]);
      return { state, startsAt, ...entries };
    },
  });
}
