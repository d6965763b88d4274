import { Context } from '@temporalio/activity';
import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import { dropFrozenAudiences } from '../db/audiences/frozen-audience.ts';
import { dropContactsBefore } from '../db/caps/contact-log.ts';
import { dropEventsBefore } from '../db/events/event-months.ts';
import { dropPartition, listPartitions } from '../db/ledger/partitions.ts';
import { fencePush } from '../db/ledger/push-control.ts';
import { ensureStarted, markDeliveriesDeleted, setPushStatus, settleStopped } from '../db/ledger/pushes.ts';
import { finalisePush } from '../db/statistics/finalise.ts';
import { failTask, listUnfinished, type UnfinishedPush } from '../db/tasks/orphans.ts';
import { listRunning } from '../db/tasks/recurrences.ts';
import { dropOrphanedTriggers } from '../db/triggers/triggers.ts';
import { MAX_WINDOW_HOURS } from '../domain/caps/cap.ts';
import { EVENTS_KEPT_DAYS } from '../domain/events/event.ts';
import type { SweepCursor } from '../domain/pushes/sweep-cursor.ts';
import type { ActivityDeps } from './deps.ts';
import { dropOrphanedSchedules } from './occurrence-activities.ts';
import { resumeStopped } from './resume-stopped.ts';

export interface SweepResult {
  readonly orphanedTasks: number;
  readonly orphanedPushes: number;
  readonly finalisedPushes: number;
  readonly droppedPartitions: number;
  readonly resumedTasks: number;
  readonly droppedSchedules: number;
  /** Where the next sweep continues. */
  readonly next: SweepCursor;
}

export interface HousekeepingActivities {
  /**
   * Ends the pushes and tasks of terminated workflows. A terminated workflow runs no code, so its push would
   * stay open and its statistics live. Partitions that a crash left are dropped. A push that is younger than
   * the grace may have no workflow yet.
   */
  sweepOrphans(input: {
    readonly graceMs: number;
    readonly after?: SweepCursor | undefined;
  }): Promise<SweepResult>;
}

/** Rows per sweep. Each row costs a query to Temporal. The next sweep continues behind the last row. */
const BATCH = 500;

export function createHousekeeping({ db, clock, log }: ActivityDeps): HousekeepingActivities {
  async function endOrphan(push: UnfinishedPush, now: Date): Promise<boolean> {
    const isUnderWay = ['preparing', 'sending', 'paused'].includes(push.status);
    await fencePush(db, { pushNo: push.no, wanted: 'cancel' });
    await ensureStarted(db, { pushNo: push.no, now });
    if (push.partitionStart !== null) {
      await settleStopped(db, {
        pushNo: push.no,
        partitionStart: push.partitionStart,
        now,
        abandon: 'failed',
      });
    }
    if (isUnderWay) {
      log.error({ pushId: push.id }, 'a push without a running workflow was fenced and failed');
      await setPushStatus(db, {
        pushNo: push.no,
        status: 'failed',
        reason: 'the workflow was terminated',
        now,
      });
    }
    if (push.windowEndsAt === null || push.windowEndsAt > now) return false;
    await finalisePush(db, { push, now });
    await markDeliveriesDeleted(db, { pushNo: push.no, now });
    return true;
  }

  return {
    async sweepOrphans({ graceMs, after }) {
      const context = Context.current();
      const now = await clock();
      const createdBefore = new Date(now.getTime() - graceMs);
      const { pushes, taskIds, next } = await listUnfinished(db, { createdBefore, after, limit: BATCH });
      const done = {
        orphanedTasks: 0,
        orphanedPushes: 0,
        finalisedPushes: 0,
        droppedPartitions: 0,
        resumedTasks: 0,
        droppedSchedules: 0,
        next,
      };
      for (const push of pushes) {
        context.heartbeat();
        if (await isRunning(context.client, push.id)) continue;
        done.orphanedPushes++;
        if (await endOrphan(push, now)) done.finalisedPushes++;
      }
      for (const taskId of taskIds) {
        context.heartbeat();
        if (await isRunning(context.client, taskId)) continue;
        await failTask(db, { taskId, reason: 'the workflow was terminated', now });
        done.orphanedTasks++;
      }
      done.resumedTasks = await resumeStopped(db, context.client, BATCH);
      for (const partitionStart of await listPartitions(db)) {
        context.heartbeat();
        if (partitionStart < createdBefore && (await dropPartition(db, { partitionStart, now })))
          done.droppedPartitions++;
      }
      context.heartbeat();
      done.droppedSchedules = await dropOrphanedSchedules(context.client, (ids) => listRunning(db, ids));
      await dropOrphanedTriggers(db);
      await dropFrozenAudiences(db);
      await dropContactsBefore(db, new Date(now.getTime() - MAX_WINDOW_HOURS * 3_600_000));
      await dropEventsBefore(db, new Date(now.getTime() - EVENTS_KEPT_DAYS * 86_400_000));
      return done;
    },
  };
}

async function isRunning(client: Client, workflowId: string): Promise<boolean> {
  try {
    const { status } = await client.workflow.getHandle(workflowId).describe();
    return status.name === 'RUNNING' || status.name === 'CONTINUED_AS_NEW';
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}
