import { ApplicationFailure, Context } from '@temporalio/activity';
import {
  type AcquiredLease,
  type AcquireResult,
  acquireLease,
  handOverLease,
  type LeaseToken,
} from '../../db/ledger/leases.ts';
import { findPush, type PushRow } from '../../db/ledger/pushes.ts';
import { findDefinition } from '../../db/tasks/task-state.ts';
import { messagesOf } from '../../domain/content/content-messages.ts';
import { CHANNEL_OF } from '../../domain/devices/device.ts';
import { CHANNELS, type Channel, PLATFORMS } from '../../domain/platform.ts';
import { PLATFORM_CODE } from '../../domain/pushes/delivery.ts';
import type { Trust } from '../../domain/pushes/reasons.ts';
import type { TaskDefinition } from '../../domain/tasks/task-definition.ts';
import type { PushService } from '../../providers/push-service.ts';
import type { SenderDeps } from '../deps.ts';
import { withHeartbeats } from '../heartbeats.ts';
import { UnusableCredential } from '../push-services.ts';
import { createInFlightBudget } from './in-flight-budget.ts';
import { LeaseRunner } from './lease-runner.ts';
import type { LeaseEnd } from './lease-work.ts';
import { createPacer } from './pacer.ts';
import { createRefusals } from './refusals.ts';
import { createRejections } from './rejections.ts';
import { createTestSendActivities, type TestSendActivities } from './test-send.ts';
import { createTroubleWatch } from './trouble-watch.ts';

export interface SendLeaseInput {
  readonly pushId: string;
  readonly leaseNo: number;
  readonly epoch: number;
  /** Epoch milliseconds. The lease does not start a push that has not started by then. */
  readonly startBefore: number;
  readonly trust: Trust;
}

export interface SendLeaseResult {
  readonly kind: Exclude<LeaseEnd['kind'], 'yielded'>;
  readonly reason: string | null;
  /** Epoch milliseconds. Null when nothing was claimed. */
  readonly startedAt: number | null;
}

export interface SenderActivities {
  sendLease(input: SendLeaseInput): Promise<SendLeaseResult>;
}

/** Leases that a process runs at a time. */
export const MAX_LEASES = 16;
const DRAIN_POLL_MS = 100;
/** A fraction of the heartbeat timeout. */
const HEARTBEAT_MS = 400;

/** The end of a lease that could not be acquired. */
const END_OF = {
  done: 'done',
  fenced: 'stopped',
  late: 'stopped',
  superseded: 'superseded',
} as const;

interface Acquired {
  readonly push: PushRow;
  readonly token: LeaseToken;
  readonly lease: AcquiredLease;
  readonly trust: Trust;
  readonly definition: TaskDefinition;
  readonly resends: boolean;
}

export function createSenderActivities(deps: SenderDeps): {
  activities: SenderActivities & TestSendActivities;
  /** Resolves once every lease that was given back with answers outstanding is settled. */
  drained(): Promise<void>;
} {
  const draining = new Set<Promise<void>>();
  const budget = createInFlightBudget();
  let running = 0;
  const isCrowded = () => running >= MAX_LEASES;
  const rejectionsOf = createRejections();
  const refusalsOf = createRefusals();
  const watchTrouble = createTroubleWatch(deps);

  async function sendLease(input: SendLeaseInput): Promise<SendLeaseResult> {
    running++;
    try {
      return await acquireAndSend(input);
    } finally {
      running--;
    }
  }

  async function acquireAndSend(input: SendLeaseInput): Promise<SendLeaseResult> {
    const { pushId, leaseNo, epoch, startBefore, trust } = input;
    const context = Context.current();
    const push = await findPush(deps.db, pushId);
    const token = { pushNo: push.no, leaseNo, epoch, attempt: context.info.attempt };
    const definition = await findDefinition(deps.db, push);
    const resends = definition.onAmbiguous === 'resend';
    const lease = await acquire(token, new Date(startBefore), resends);
    if (lease.kind !== 'acquired') {
      return { kind: END_OF[lease.kind], reason: null, startedAt: null };
    }
    const startedAt = lease.startedAt.getTime();
    const end = await send({ push, token, lease, trust, definition, resends }).catch(
      async (error: unknown): Promise<LeaseEnd> => {
        await handOverLease(deps.db, token, null);
        if (!(error instanceof UnusableCredential)) throw error;
        deps.log.error({ err: error, pushId }, error.message);
        return { kind: 'refused', reason: error.message };
      },
    );
    if (end.kind === 'yielded') throw yieldPlace();
    return { kind: end.kind, reason: 'reason' in end ? end.reason : null, startedAt };
  }

  async function send({ push, token, lease, trust, definition, resends }: Acquired): Promise<LeaseEnd> {
    const context = Context.current();
    const services = await openServices(push.app_id);
    const devices = devicesOf(lease);
    const watched = new Map([...services].filter(([channel]) => devices.has(channel)));
    const runner = new LeaseRunner(deps, {
      token,
      lease,
      services,
      budget,
      resends,
      rejections: rejectionsOf(push.no, trust.tokens),
      refusals: refusalsOf({ ...token, isTrusted: trust.messages }),
      pacer: createPacer({ ...deps, appId: push.app_id, taskId: push.task_id, devices }),
      message: definition.content,
      messages: messagesOf(definition.content),
      collapseId: definition.content.collapseKey ?? push.id,
      isCrowded,
      signal: context.cancellationSignal,
    });
    const stopped = runner.run();
    track(stopped.then(() => runner.drain()));
    return await withHeartbeats(watchTrouble({ pushNo: push.no, services: watched }, stopped), HEARTBEAT_MS);
  }

  async function acquire(
    token: LeaseToken,
    startBefore: Date,
    resends: boolean,
  ): Promise<Exclude<AcquireResult, { kind: 'draining' }>> {
    const context = Context.current();
    for (;;) {
      const now = await deps.clock();
      const result = await acquireLease(deps.db, token, { now, startBefore, resends, holder: deps.identity });
      if (result.kind !== 'draining') return result;
      if (isCrowded()) throw yieldPlace();
      context.heartbeat();
      await context.sleep(DRAIN_POLL_MS);
    }
  }

  async function openServices(appId: string): Promise<ReadonlyMap<Channel, PushService>> {
    const services = new Map<Channel, PushService>();
    for (const channel of CHANNELS) {
      const service = await deps.services.open(appId, channel);
      if (service !== undefined) services.set(channel, service);
    }
    return services;
  }

  function track(drained: Promise<void>): void {
    const settled = drained
      .catch((error: unknown) =>
        deps.log.error({ err: error }, 'late answers of a stopped lease could not be settled'),
      )
      .finally(() => draining.delete(settled));
    draining.add(settled);
  }

  return {
    activities: { sendLease, ...createTestSendActivities(deps) },
    async drained() {
      await Promise.all(draining);
    },
  };
}

/** Makes Temporal retry the lease, behind the waiting ones and without an event in the history. */
function yieldPlace(): ApplicationFailure {
  return ApplicationFailure.create({
    type: 'Yielded',
    message: 'the lease waits more than it sends, so waiting leases run first',
    nextRetryDelay: '1 second',
    category: 'BENIGN',
  });
}

function devicesOf({ pending }: AcquiredLease): ReadonlyMap<Channel, number> {
  const devices = new Map<Channel, number>();
  for (const platform of PLATFORMS) {
    const channel = CHANNEL_OF[platform];
    const count = pending[PLATFORM_CODE[platform]] ?? 0;
    if (channel !== undefined && count > 0) devices.set(channel, (devices.get(channel) ?? 0) + count);
  }
  return devices;
}
