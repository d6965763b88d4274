import type { Client } from '@temporalio/client';
import { z } from 'zod';

export interface HeldLease {
  readonly pushId: string;
  readonly leaseNo: number;
}

const SendLeaseInput = z.object({ pushId: z.string(), leaseNo: z.number() });

/**
 * The leases that a sender process holds, as Temporal knows it; for some seconds after its death, too. The pending
 * activities name the process, and the history says which lease each of them is.
 */
export async function heldLeases(
  client: Client,
  pushIds: readonly string[],
  pid: number,
): Promise<HeldLease[]> {
  const held = await Promise.all(pushIds.map((pushId) => heldOfPush(client, pushId, pid)));
  return held.flat();
}

async function heldOfPush(client: Client, pushId: string, pid: number): Promise<HeldLease[]> {
  const handle = client.workflow.getHandle(pushId);
  const { raw } = await handle.describe();
  const pending = raw.pendingActivities ?? [];
  const mine = pending.filter(({ lastWorkerIdentity }) => lastWorkerIdentity?.startsWith(`${pid}@`));
  if (mine.length === 0) return [];
  const activityIds = new Set(mine.map(({ activityId }) => activityId));
  const { events } = await handle.fetchHistory();
  return (events ?? []).flatMap(({ activityTaskScheduledEventAttributes: scheduled }) => {
    if (scheduled?.activityType?.name !== 'sendLease' || !activityIds.has(scheduled.activityId)) return [];
    const data = scheduled.input?.payloads?.[0]?.data;
    if (data === undefined || data === null) return [];
    return [SendLeaseInput.parse(JSON.parse(Buffer.from(data).toString('utf8')))];
  });
}
