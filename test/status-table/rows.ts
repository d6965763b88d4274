import { failTask } from '../../db/tasks/orphans.ts';
import { until } from '../wait.ts';
import { callAction, createTask, everybody, type Shop, submitAndApprove } from '../world/shop.ts';
import { taskIn } from '../world/task.ts';
import type { World } from '../world/world.ts';
import type { Row } from './table.ts';

const HOUR = 3_600_000;
/** Devices per second. A push at this rate is still sending when the action is tried. */
const SLOW = 1;

export interface Stage {
  readonly world: World;
  /** An app with devices. */
  readonly shop: Shop;
  /** An app without devices. */
  readonly empty: Shop;
}

/** The app of the row's tasks. */
export function shopOf({ shop, empty }: Stage, row: Row): Shop {
  return row === 'completed' ? empty : shop;
}

/** Brings a task into the row's status by the real path. */
export async function bring(stage: Stage, row: Row): Promise<string> {
  const { world } = stage;
  const shop = shopOf(stage, row);
  const audience = { id: await everybody(shop) };
  const soon = { audience, pushAt: new Date(Date.now() + HOUR).toISOString() };
  const now = { audience, ratePerSecond: SLOW };
  const manual = { ...now, pushType: 'manual' };
  const make = async (definition: Record<string, unknown>) => await createTask(shop, definition);
  const submitted = async (definition: Record<string, unknown> = soon) => {
    const taskId = await make(definition);
    await callAction(shop, shop.marketer, taskId, 'submit');
    return taskId;
  };
  const approved = async (definition: Record<string, unknown>) => {
    const taskId = await make(definition);
    await submitAndApprove(shop, taskId);
    return taskId;
  };
  const after = async (definition: Record<string, unknown>, name: string) => {
    const taskId = await approved(definition);
    await callAction(shop, shop.marketer, taskId, name);
    return taskId;
  };
  const reached = async (definition: Record<string, unknown>, status: string) => {
    const taskId = await approved(definition);
    await taskIn(shop, taskId, status);
    return taskId;
  };
  switch (row) {
    case 'draft':
      return await make(soon);
    case 'pending_approval':
      return await submitted();
    case 'rejected': {
      const taskId = await submitted();
      await callAction(shop, shop.approver, taskId, 'reject', { revision: 1, reason: 'Typo' });
      return taskId;
    }
    case 'scheduled':
      return await approved(soon);
    case 'scheduled_manual':
      return await approved(manual);
    case 'sending':
      return await underWay(await approved(now));
    case 'sending_manual':
      return await underWay(await after(manual, 'send'));
    case 'paused_before_push':
      return await after(soon, 'pause');
    case 'paused_in_push': {
      const taskId = await underWay(await approved(now));
      await callAction(shop, shop.marketer, taskId, 'pause');
      return taskId;
    }
    case 'collecting':
      return await reached({ audience }, 'collecting');
    case 'completed':
      return await reached({ audience }, 'completed');
    case 'cancelled':
      return await after(soon, 'cancel');
    case 'expired': {
      const pushAt = new Date(Date.now() + 1500).toISOString();
      const taskId = await submitted({ audience, pushAt, latePolicy: { action: 'skip', afterMinutes: 0 } });
      await taskIn(shop, taskId, 'expired');
      return taskId;
    }
    case 'failed': {
      // Housekeeping does the same when a workflow was terminated.
      const taskId = await approved(soon);
      await world.env.client.workflow.getHandle(taskId).terminate();
      await failTask(world.db, {
        taskId,
        reason: 'the workflow was terminated',
        now: await world.clock(),
      });
      return taskId;
    }
    case 'deleted': {
      const taskId = await make(soon);
      await shop.call(shop.marketer, 'DELETE', `/v1/tasks/${taskId}`);
      return taskId;
    }
  }

  async function underWay(taskId: string): Promise<string> {
    await until(
      () => shop.call<{ items: { status: string }[] }>(shop.marketer, 'GET', `/v1/tasks/${taskId}/pushes`),
      ({ body }) => body.items[0]?.status === 'sending',
    );
    return taskId;
  }
}
