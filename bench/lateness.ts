import { measureLateness } from './lateness/due.ts';
import { sleepersOf } from './lateness/sleepers.ts';
import { insertDevices } from './lib/devices.ts';
import { describeMachine } from './lib/machine.ts';
import type { BenchOptions } from './lib/options.ts';
import { percentile } from './lib/percentile.ts';
import { type Figures, round, say } from './lib/report.ts';
import { withRig } from './lib/rig.ts';
import { openDesk } from './lib/tasks.ts';

const DEVICES = 500;
const TASKS = 200;
const SPREAD_MS = 60_000;

/** The lateness of pushes while many other tasks sleep, and the cost of the sleeping tasks. */
export async function lateness(options: BenchOptions): Promise<Figures> {
  const devices = options.devices ?? DEVICES;
  const n = options.n ?? TASKS;
  return await withRig(options, async (rig) => {
    const app = await rig.createApp('lateness');
    const place = { appId: app.id, platforms: options.platform, salt: 'lateness ' };
    await insertDevices(rig.pool, { ...place, count: devices });
    const desk = openDesk(rig.product.apiUrl, app);
    const audienceId = await desk.createAudience();
    const sleeping = await sleepersOf(rig, desk, audienceId, options.sleepers);

    const { createdPerS } = sleeping;
    say(`${n} tasks due within a minute …`);
    const spread = await measureLateness(rig, desk, { audienceId, n, createdPerS, spreadMs: SPREAD_MS });
    say(`p50 ${round(percentile(spread, 0.5), 0)} ms, p99 ${round(percentile(spread, 0.99), 0)} ms`);
    say(`${n} tasks due at one instant …`);
    const burst = await measureLateness(rig, desk, { audienceId, n, createdPerS, spreadMs: 0 });
    const { duplicates } = await rig.simulators.control.counts();
    return {
      n: spread.length,
      p50Ms: round(percentile(spread, 0.5), 0),
      p99Ms: round(percentile(spread, 0.99), 0),
      maxMs: round(Math.max(...spread), 0),
      burstP50Ms: round(percentile(burst, 0.5), 0),
      burstP99Ms: round(percentile(burst, 0.99), 0),
      burstMaxMs: round(Math.max(...burst), 0),
      ...sleeping,
      devices,
      duplicates,
      temporalServer: options.temporal,
      machine: await describeMachine(rig),
    };
  });
}
