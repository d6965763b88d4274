import { setTimeout as sleep } from 'node:timers/promises';
import { createRandom } from '../dev/devices/random.ts';
import { insertDevices } from './lib/devices.ts';
import { describeMachine } from './lib/machine.ts';
import type { BenchOptions } from './lib/options.ts';
import { percentile } from './lib/percentile.ts';
import { type Figures, round, say } from './lib/report.ts';
import { withRig } from './lib/rig.ts';
import { openDesk } from './lib/tasks.ts';
import { progressOf, waitForPush } from './lib/watch.ts';
import { countLedger } from './pause/ledger.ts';
import { type Pausing, pauseAndResume, startedWhilePaused } from './pause/pausing.ts';

const DEVICES = 200_000;
const PAUSES = 40;
const WARM_UP = 2_000;
/** Sending between a resume and the next pause, in milliseconds: at any moment of a lease. */
const SENDING = { min: 20, spread: 700 };

/** Pauses and resumes at random moments of pushes at full speed, each acknowledged or not as HTTP says. */
export async function pause(options: BenchOptions): Promise<Figures> {
  const devices = options.devices ?? DEVICES;
  const n = options.n ?? PAUSES;
  const random = createRandom(options.seed);
  return await withRig(options, async (rig) => {
    const app = await rig.createApp('pause');
    const desk = openDesk(rig.product.apiUrl, app);
    const place = { appId: app.id, platforms: options.platform, salt: 'pause ' };
    await insertDevices(rig.pool, { ...place, count: devices });
    const audienceId = await desk.createAudience();
    const pausings: Pausing[] = [];
    const tasks: string[] = [];

    async function startPush(): Promise<string> {
      const taskId = await desk.submitTask(audienceId);
      tasks.push(taskId);
      await desk.approve(taskId);
      // Compiled code and open connections: full speed.
      await waitForPush(
        rig.pool,
        taskId,
        ({ planned, left }) => left < planned - Math.min(WARM_UP, planned / 10),
      );
      return taskId;
    }

    say(`${n} pauses during pushes to ${devices} devices …`);
    let taskId = await startPush();
    while (pausings.length < n) {
      await sleep(SENDING.min + random.below(SENDING.spread));
      if ((await progressOf(rig.pool, taskId))?.isSent === true) taskId = await startPush();
      const pausing = await pauseAndResume(desk, taskId, random);
      // The push had ended just before: nothing was paused.
      if (pausing === undefined) continue;
      pausings.push(pausing);
      await waitForPush(rig.pool, taskId, ({ status }) => status === 'sending' || status === 'collecting');
    }
    for (const id of tasks) await waitForPush(rig.pool, id, ({ isSent }) => isSent);

    const ackMs = pausings.map(({ ackMs: ms }) => ms);
    const ledger = await countLedger(rig.pool);
    const { distinctMessages, duplicates } = await rig.simulators.control.counts();
    return {
      n: pausings.length,
      ackP50Ms: round(percentile(ackMs, 0.5), 0),
      ackP99Ms: round(percentile(ackMs, 0.99), 0),
      ackMaxMs: round(Math.max(...ackMs), 0),
      startedAfterAck: await startedWhilePaused(rig.simulators, pausings),
      inFlightMax: Math.max(...pausings.map(({ inFlight }) => inFlight)),
      duplicates,
      forgotten: ledger.matched - ledger.notSent - distinctMessages,
      ambiguous: ledger.ambiguous,
      reconciles: ledger.reconciles,
      pushes: tasks.length,
      devices,
      seed: options.seed,
      machine: await describeMachine(rig),
    };
  });
}
