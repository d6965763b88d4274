import { setTimeout as sleep } from 'node:timers/promises';
import { cpuMs, difference, type PerPart, sum } from '../lib/meter.ts';
import { round } from '../lib/report.ts';
import type { Rig } from '../lib/rig.ts';

const SETTLE_MS = 10_000;
const IDLE_MS = 10_000;

/** CPU of the whole product with nothing to do, in percent of one core. */
export async function idleCpu(rig: Rig): Promise<{ percent: number; parts: PerPart }> {
  await rig.pool.query('checkpoint');
  await sleep(SETTLE_MS);
  const before = cpuMs(rig);
  const startedAt = performance.now();
  await sleep(IDLE_MS);
  const used = difference(cpuMs(rig), before);
  const percent = (ms: number) => round((ms / (performance.now() - startedAt)) * 100, 1);
  return {
    percent: percent(sum(used)),
    parts: {
      worker: percent(used.worker),
      api: percent(used.api),
      postgres: percent(used.postgres),
      temporal: percent(used.temporal),
    },
  };
}
