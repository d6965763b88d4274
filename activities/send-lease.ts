import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import { type TakenLease, type TakeResult, takeLease } from '../db/leases.ts';
import { findPush } from '../db/pushes.ts';
import { findDefinition } from '../db/task-state.ts';
import { PLATFORM_CODE } from '../domain/delivery.ts';
import { CHANNEL_OF } from '../domain/device.ts';
import { CHANNELS, type Channel, PLATFORMS } from '../domain/platform.ts';
import type { PushService } from '../providers/push-service.ts';
import type { SenderDeps } from './deps.ts';
import { type LeaseEnd, startLease } from './lease-loop.ts';
import { createPacer } from './pacer.ts';

export interface SendLeaseInput {
  readonly pushId: string;
  readonly leaseNo: number;
  readonly epoch: number;
}

export interface SendLeaseResult {
  readonly kind: LeaseEnd['kind'];
  readonly reason: string | null;
  /** Epoch milliseconds; null when nothing was claimed. */
  readonly startedAt: number | null;
}

export interface SenderActivities {
  sendLease(input: SendLeaseInput): Promise<SendLeaseResult>;
}

const DRAIN_POLL_MS = 100;

export function createSenderActivities(deps: SenderDeps): {
  activities: SenderActivities;
  /** Resolves once every lease that was given back with answers outstanding is settled. */
  drained(): Promise<void>;
} {
  const draining = new Set<Promise<void>>();

  async function sendLease({ pushId, leaseNo, epoch }: SendLeaseInput): Promise<SendLeaseResult> {
    const context = Context.current();
    const push = await findPush(deps.db, pushId);
    const token = { pushNo: push.no, leaseNo, epoch, attempt: context.info.attempt };
    const lease = await take(token);
    if (lease.kind !== 'taken')
      return { kind: lease.kind === 'fenced' ? 'stopped' : 'lost', reason: null, startedAt: null };
    const definition = await findDefinition(deps.db, push);
    const services = await openServices(push.app_id);
    let isRunning = true;
    const run = startLease(deps, {
      token,
      lease,
      services,
      pacer: createPacer({ ...deps, appId: push.app_id, taskId: push.task_id, devices: devicesOf(lease) }),
      content: definition.content,
      collapseId: pushId,
      signal: context.cancellationSignal,
      heartbeat: () => {
        if (isRunning) context.heartbeat();
      },
    });
    track(run.drained);
    const end = await run.stopped.finally(() => {
      isRunning = false;
    });
    return {
      kind: end.kind,
      reason: 'reason' in end ? end.reason : null,
      startedAt: lease.startedAt.getTime(),
    };
  }

  async function take(
    token: Parameters<typeof takeLease>[1],
  ): Promise<Exclude<TakeResult, { kind: 'draining' }>> {
    const context = Context.current();
    for (;;) {
      const taken = await takeLease(deps.db, token, await deps.clock());
      if (taken.kind !== 'draining') return taken;
      context.heartbeat();
      await context.sleep(DRAIN_POLL_MS);
    }
  }

  async function openServices(appId: string): Promise<ReadonlyMap<Channel, PushService>> {
    const services = new Map<Channel, PushService>();
    for (const channel of CHANNELS) {
      const service = await deps.services.open(appId, channel).catch((error: unknown) => {
        throw ApplicationFailure.create({
          message: `the ${channel} credential cannot be used`,
          cause: error as Error,
        });
      });
      if (service !== undefined) services.set(channel, service);
    }
    return services;
  }

  function track(drained: Promise<void>): void {
    const settled = drained
      .catch((error: unknown) => deps.log.error({ err: error }, 'answers after a stop could not be written'))
      .finally(() => draining.delete(settled));
    draining.add(settled);
  }

  return {
    activities: { sendLease },
    async drained() {
      await Promise.all(draining);
    },
  };
}

function devicesOf({ pending }: TakenLease): ReadonlyMap<Channel, number> {
  const devices = new Map<Channel, number>();
  for (const platform of PLATFORMS) {
    const channel = CHANNEL_OF[platform];
    const count = pending[PLATFORM_CODE[platform]] ?? 0;
    if (channel !== undefined && count > 0) devices.set(channel, (devices.get(channel) ?? 0) + count);
  }
  return devices;
}
