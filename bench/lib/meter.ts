import { cpuMsOfTree, memoryMbOfTree } from './proc.ts';
import type { Rig } from './rig.ts';

export type Part = 'worker' | 'api' | 'postgres' | 'temporal';
export type PerPart = Readonly<Record<Part, number>>;

function pidsOf(rig: Rig): Readonly<Record<Part, readonly (number | undefined)[]>> {
  return {
    worker: rig.product.workers.map((worker) => worker.pid),
    api: [rig.product.api.pid],
    postgres: [rig.stack.postgres.pid],
    temporal: [rig.stack.temporal.pid],
  };
}

function measure(rig: Rig, of: (pid: number) => number): PerPart {
  const pids = pidsOf(rig);
  const total = (part: Part) =>
    pids[part].reduce<number>((sum, pid) => sum + (pid === undefined ? 0 : of(pid)), 0);
  return {
    worker: total('worker'),
    api: total('api'),
    postgres: total('postgres'),
    temporal: total('temporal'),
  };
}

/** CPU in milliseconds since each part was started. */
export function cpuMs(rig: Rig): PerPart {
  return measure(rig, cpuMsOfTree);
}

export function memoryMb(rig: Rig): PerPart {
  return measure(rig, memoryMbOfTree);
}

export function difference(after: PerPart, before: PerPart): PerPart {
  return {
    worker: after.worker - before.worker,
    api: after.api - before.api,
    postgres: after.postgres - before.postgres,
    temporal: after.temporal - before.temporal,
  };
}

export function sum({ worker, api, postgres, temporal }: PerPart): number {
  return worker + api + postgres + temporal;
}
