import { Context } from '@temporalio/activity';
import { faultOfAudience } from '../db/audiences/audience-fault.ts';
import { freezeAudience } from '../db/audiences/frozen-audience.ts';
import { RuleError } from '../db/audiences/rule-context.ts';
import { dropPartition } from '../db/ledger/partitions.ts';
import { fencePush, type OpenedPush, openPush, type RequestedState } from '../db/ledger/push-control.ts';
import {
  ensureStarted,
  findPush,
  markDeliveriesDeleted,
  setPushStatus,
  settleStopped,
} from '../db/ledger/pushes.ts';
import { type Prepared, prepareRecipients } from '../db/preparation/prepare.ts';
import { type NextPart, prepareNextPart } from '../db/preparation/prepare-next.ts';
import { type DueLeases, findDueLeases } from '../db/preparation/waves.ts';
import { finalisePush } from '../db/statistics/finalise.ts';
import { findDefinition } from '../db/tasks/task-state.ts';
import { joinedLeases, openToJoin } from '../db/triggers/trigger-join.ts';
import type { NotSentReason } from '../domain/pushes/reasons.ts';
import { localTimeOfPush } from '../domain/schedule/waves.ts';
import type { PushStatus } from '../domain/tasks/task-status.ts';
import { awaitSendersExpired } from './await-lease-expiry.ts';
import type { ActivityDeps } from './deps.ts';
import { withHeartbeats } from './heartbeats.ts';

type PushKey = { readonly pushId: string };

/** Times are epoch milliseconds. */
export interface PushTimes {
  readonly startedAt: number | null;
  readonly windowEndsAt: number | null;
}

export interface Settled extends PushTimes {
  readonly inFlight: number;
  /** When the last unanswered request is given up; null when there is none. */
  readonly drainedAt: number | null;
}

export interface PushActivities {
  /** A `fault` means that no recipient was prepared and that a retry would not help. */
  prepareRecipients(input: PushKey): Promise<Prepared & { fault?: string }>;
  /**
   * Prepares the next part of a large audience, whose first devices may be sent to at the same time. A
   * `fault` means that no more was prepared. Answers the leases above `lastLease`.
   */
  prepareNextPart(input: PushKey & { lastLease: number }): Promise<NextPart & { fault?: string }>;
  /** Records the push as sending when it could be opened. */
  openPush(input: PushKey & { resume: boolean }): Promise<OpenedPush & DueLeases>;
  /**
   * The leases of joined users above `above`, and the leases that are due, even if an earlier call answered
   * them. After `close` no user joins.
   */
  joinedLeases(input: PushKey & { above: number; close: boolean }): Promise<DueLeases>;
  /** The leases that became due at `from`, in epoch milliseconds, or later. */
  dueLeases(input: PushKey & { from: number }): Promise<DueLeases>;
  fencePush(input: PushKey & { wanted: RequestedState | null }): Promise<void>;
  /** Called when all senders have stopped. `abandon` is the reason why the rest is not sent. */
  settlePush(input: PushKey & { abandon: NotSentReason | null }): Promise<Settled>;
  /** Starts the receipt window of a push without recipients, and records `status` if there is one. */
  startWindow(input: PushKey & { status?: PushStatus; reason?: string | null }): Promise<PushTimes>;
  recordPush(input: PushKey & { status: PushStatus; reason: string | null }): Promise<void>;
  finaliseStatistics(input: PushKey): Promise<{ differences: string[] }>;
  /**
   * `dropped` when the rows are gone from the disk. Until then another push of the same half hour needs the
   * partition.
   */
  deleteDeliveries(input: PushKey): Promise<{ dropped: boolean }>;
}

export function createPushActivities({ db, clock, log }: ActivityDeps): PushActivities {
  async function times(pushId: string): Promise<PushTimes> {
    const push = await findPush(db, pushId);
    return {
      startedAt: push.started_at?.getTime() ?? null,
      windowEndsAt: push.window_ends_at?.getTime() ?? null,
    };
  }
  async function record(pushNo: number, status: PushStatus, reason: string | null): Promise<void> {
    await setPushStatus(db, { pushNo, status, reason, now: await clock() });
  }
  return {
    async prepareRecipients({ pushId }) {
      const push = await findPush(db, pushId);
      const definition = await findDefinition(db, push);
      const { task_id: taskId, revision, no: pushNo, app_id: appId } = push;
      const now = await clock();
      if (definition.trigger !== undefined) {
        await openToJoin(db, { pushNo, now });
        return { planned: 0, sendable: 0 };
      }
      const prepare = async () => {
        const isFrozen = definition.audienceAt === 'approval';
        const frozenNo = isFrozen ? await freezeAudience(db, { taskId, revision, now }) : undefined;
        const local = definition.local === undefined ? undefined : localTimeOfPush(push.due_at.getTime());
        return await prepareRecipients(db, { pushNo, appId, definition, frozenNo, local, now });
      };
      try {
        return await withHeartbeats(prepare());
      } catch (error) {
        if (!(error instanceof RuleError)) throw error;
        return { planned: 0, sendable: 0, fault: faultOfAudience(error) };
      }
    },
    async prepareNextPart({ pushId, lastLease }) {
      const push = await findPush(db, pushId);
      const definition = await findDefinition(db, push);
      const { no: pushNo, app_id: appId } = push;
      const next = { pushNo, appId, definition, lastLease, now: await clock() };
      try {
        return await withHeartbeats(prepareNextPart(db, next));
      } catch (error) {
        if (!(error instanceof RuleError)) throw error;
        return { planned: null, leases: [], hasMore: false, fault: faultOfAudience(error) };
      }
    },
    async openPush({ pushId, resume }) {
      const push = await findPush(db, pushId);
      // Due leases are read before the push is opened, because users may join in between. No lease of a
      // joined user may be missing below a lease that is in the list.
      const due = await findDueLeases(db, { pushNo: push.no, from: new Date(0), now: await clock() });
      const opened = await openPush(db, { pushNo: push.no, resume });
      if (opened.wanted === null && !opened.isAppStopped) await record(push.no, 'sending', null);
      return { ...opened, leases: [...opened.leases, ...due.leases], nextDueAt: due.nextDueAt };
    },
    async joinedLeases({ pushId, above, close }) {
      const push = await findPush(db, pushId);
      return await joinedLeases(db, { pushNo: push.no, above, close, now: await clock() });
    },
    async dueLeases({ pushId, from }) {
      const push = await findPush(db, pushId);
      return await findDueLeases(db, { pushNo: push.no, from: new Date(from), now: await clock() });
    },
    async fencePush({ pushId, wanted }) {
      const push = await findPush(db, pushId);
      await fencePush(db, { pushNo: push.no, wanted });
    },
    async settlePush({ pushId, abandon }) {
      const push = await findPush(db, pushId);
      const onLease = () => Context.current().heartbeat();
      await awaitSendersExpired(db, clock, push.no);
      const settled =
        push.partition_start === null
          ? { inFlight: 0, drainedAt: null }
          : await settleStopped(db, {
              pushNo: push.no,
              partitionStart: push.partition_start,
              now: await clock(),
              abandon,
              onLease,
            });
      return {
        inFlight: settled.inFlight,
        drainedAt: settled.drainedAt?.getTime() ?? null,
        ...(await times(pushId)),
      };
    },
    async startWindow({ pushId, status, reason = null }) {
      const push = await findPush(db, pushId);
      await ensureStarted(db, { pushNo: push.no, now: await clock() });
      if (status !== undefined) await record(push.no, status, reason);
      return await times(pushId);
    },
    async recordPush({ pushId, status, reason }) {
      const push = await findPush(db, pushId);
      await record(push.no, status, reason);
    },
    async finaliseStatistics({ pushId }) {
      const push = await findPush(db, pushId);
      const differences = await withHeartbeats(
        finalisePush(db, { push: { no: push.no, partitionStart: push.partition_start }, now: await clock() }),
      );
      if (differences.length > 0) log.error({ pushId, differences }, 'counters differ from the recount');
      return { differences };
    },
    async deleteDeliveries({ pushId }) {
      const push = await findPush(db, pushId);
      const now = await clock();
      await markDeliveriesDeleted(db, { pushNo: push.no, now });
      return {
        dropped:
          push.partition_start === null ||
          (await dropPartition(db, { partitionStart: push.partition_start, now })),
      };
    },
  };
}
