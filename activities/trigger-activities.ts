import { Context } from '@temporalio/activity';
import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import { faultOfAudience } from '../db/audiences/audience-fault.ts';
import { RuleError } from '../db/audiences/rule-context.ts';
import { recordUnjoinable } from '../db/triggers/trigger-fault.ts';
import { findOpenPush, joinPush } from '../db/triggers/trigger-join.ts';
import { matchArrivals } from '../db/triggers/trigger-match.ts';
import { type DueTrigger, listDueTriggers } from '../db/triggers/triggers.ts';
import { hourOf } from '../domain/tasks/trigger-hour.ts';
import {
  type DueOccurrence,
  JOINED_SIGNAL,
  OCCURRENCE_SIGNAL,
  type TriggersInput,
} from '../domain/workflows/contract.ts';
import type { ActivityDeps } from './deps.ts';

export interface TriggerActivities {
  /** Polls for events, and for users who are due. */
  runTriggers(input: TriggersInput): Promise<void>;
}

const EVENTS = 5_000;
const USERS = 5_000;

export function createTriggerActivities({ db, clock, log }: ActivityDeps): TriggerActivities {
  async function dispatch(client: Client, trigger: DueTrigger): Promise<void> {
    const now = await clock();
    const push = await findOpenPush(db, { ...trigger, now });
    if (push === undefined) return await requestPush(client, trigger, now);
    try {
      if ((await joinAll(trigger, push.no)) > 0) await signalIfRunning(client, push.id, JOINED_SIGNAL);
    } catch (error) {
      // A fault of this task must not delay the other tasks.
      if (!(error instanceof RuleError)) throw error;
      const reason = faultOfAudience(error);
      const isNew = await recordUnjoinable(db, { ...trigger, push, reason, now: await clock() });
      if (isNew)
        log.warn(
          { taskId: trigger.taskId, pushId: push.id, reason },
          'no user can join a push: its audience has a fault',
        );
    }
  }

  async function joinAll(trigger: DueTrigger, pushNo: number): Promise<number> {
    let joined = 0;
    for (;;) {
      Context.current().heartbeat();
      const users = await joinPush(db, { ...trigger, pushNo, limit: USERS, now: await clock() });
      joined += users ?? 0;
      if (users === undefined || users < USERS) return joined;
    }
  }

  return {
    async runTriggers({ everyMs, forMs }) {
      const context = Context.current();
      const { client } = context;
      const until = performance.now() + forMs;
      while (performance.now() < until) {
        context.heartbeat();
        while ((await matchArrivals(db, EVENTS)) === EVENTS) context.heartbeat();
        for (const trigger of await listDueTriggers(db, await clock())) {
          await dispatch(client, trigger);
        }
        await context.sleep(everyMs);
      }
    },
  };
}

/** The task makes one push for each clock hour, however often this signal arrives. */
async function requestPush(client: Client, { taskId, revision }: DueTrigger, now: Date): Promise<void> {
  const at = hourOf(now.getTime());
  const due: DueOccurrence = { at, local: new Date(at).toISOString().slice(0, 16), revision };
  await signalIfRunning(client, taskId, OCCURRENCE_SIGNAL, due);
}

async function signalIfRunning(
  client: Client,
  workflowId: string,
  name: string,
  ...payload: readonly [DueOccurrence?]
): Promise<void> {
  try {
    await client.workflow.getHandle(workflowId).signal(name, ...payload);
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
  }
}
