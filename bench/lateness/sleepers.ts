import { setTimeout as sleep } from 'node:timers/promises';
import { cpuMs, difference, memoryMb, type PerPart, sum } from '../lib/meter.ts';
import { round, say } from '../lib/report.ts';
import type { Rig } from '../lib/rig.ts';
import type { Desk } from '../lib/tasks.ts';
import { waitForPush } from '../lib/watch.ts';
import { approveTasks } from './approved.ts';

const DAY_MS = 86_400_000;
const WARM_UP = 20;
const SETTLE_MS = 15_000;
const MEASURE_MS = 30_000;
const MINUTE_MS = 60_000;

export interface Sleeping {
  readonly sleepers: number;
  /** CPU of all processes in a minute of sleep, minus their CPU without sleepers. */
  readonly sleepingCpuMs: number;
  readonly sleepingRssMb: number;
  readonly sleepingRssMbParts: PerPart;
  readonly createdPerS: number;
}

async function idle(rig: Rig): Promise<{ cpuMsPerMinute: number; memory: PerPart }> {
  await rig.pool.query('checkpoint');
  await sleep(SETTLE_MS);
  const before = cpuMs(rig);
  const startedAt = performance.now();
  await sleep(MEASURE_MS);
  const used = sum(difference(cpuMs(rig), before));
  return { cpuMsPerMinute: (used / (performance.now() - startedAt)) * MINUTE_MS, memory: memoryMb(rig) };
}

/** A worker loads and compiles code with its first tasks, which is not a cost of later sleepers. */
async function warmUp(rig: Rig, desk: Desk, audienceId: string): Promise<void> {
  const tasks = await approveTasks(rig, desk, { audienceId, count: WARM_UP, dueAt: () => undefined });
  // Without devices there is nothing to collect.
  const hasBegun = ({ status }: { status: string }) => status === 'collecting' || status === 'completed';
  for (const taskId of tasks) await waitForPush(rig.pool, taskId, hasBegun);
}

/** Approves tasks that are due tomorrow, and compares the idle product before and after. */
export async function sleepersOf(rig: Rig, desk: Desk, audienceId: string, count: number): Promise<Sleeping> {
  await warmUp(rig, desk, audienceId);
  say('Idle, without sleepers …');
  const before = await idle(rig);
  say(`${count} tasks that sleep until tomorrow …`);
  const startedAt = performance.now();
  const dueAt = () => new Date(Date.now() + DAY_MS);
  await approveTasks(rig, desk, { audienceId, count, dueAt });
  const createdPerS = round((count / (performance.now() - startedAt)) * 1000, 1);
  say(`Idle, with them (${createdPerS} were created per second) …`);
  const after = await idle(rig);
  const more = difference(after.memory, before.memory);
  return {
    sleepers: count,
    sleepingCpuMs: round(after.cpuMsPerMinute - before.cpuMsPerMinute, 0),
    sleepingRssMb: round(sum(more), 1),
    sleepingRssMbParts: {
      worker: round(more.worker, 1),
      api: round(more.api, 1),
      postgres: round(more.postgres, 1),
      temporal: round(more.temporal, 1),
    },
    createdPerS,
  };
}
