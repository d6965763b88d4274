import type { SampleApp } from '../../dev/stack/sample-app.ts';
import { insertDevices } from '../lib/devices.ts';
import { finishWrites } from '../lib/finish-writes.ts';
import { historyEvents } from '../lib/history.ts';
import { cpuMs, difference } from '../lib/meter.ts';
import type { BenchOptions } from '../lib/options.ts';
import { peakRssMb } from '../lib/proc.ts';
import { round, say } from '../lib/report.ts';
import { spansByPush } from '../lib/requests.ts';
import type { Rig } from '../lib/rig.ts';
import { type Desk, openDesk } from '../lib/tasks.ts';
import { WARM_UP } from '../lib/warm-up.ts';
import { epochMs, type Progress, waitForPush } from '../lib/watch.ts';

const SMALL = 1_000;
/** The share of the big push that is sent when the small one is approved beside it. */
const UNDER_WAY = 0.3;
const MILLION = 1_000_000;

export interface EngineRun {
  readonly perS: number;
  readonly sendPhasePerS: number;
  readonly prepareMs: number;
  readonly cpuUsPerDevice: { readonly worker: number; readonly postgres: number; readonly temporal: number };
  readonly events: number;
  readonly eventsPerMillion: number;
  readonly workerRssMb: number;
  readonly fairnessMs: number;
  readonly processed: number;
  readonly sent: number;
  readonly duplicates: number;
}

interface Prepared {
  readonly desk: Desk;
  readonly app: SampleApp;
  readonly audienceId: string;
}

/** A push to all devices, from its approval to its last device, with a small one beside it. */
export async function runEngine(rig: Rig, options: BenchOptions, devices: number): Promise<EngineRun> {
  const platforms = options.platform;
  async function prepareApp(name: string, count: number): Promise<Prepared> {
    const app = await rig.createApp(name);
    await insertDevices(rig.pool, { appId: app.id, count, platforms, salt: `${name} ` });
    const desk = openDesk(rig.product.apiUrl, app);
    return { desk, app, audienceId: await desk.createAudience() };
  }
  say(`Registering ${devices} devices …`);
  const big = await prepareApp('big', devices);
  const small = await prepareApp('small', SMALL);
  say('Warming up …');
  await warmUp(rig, await prepareApp('warm-up', Math.min(devices, WARM_UP)));
  await finishWrites(rig);
  const bigTask = await big.desk.submitTask(big.audienceId);
  const smallTask = await small.desk.submitTask(small.audienceId);

  say(`A push to ${devices} devices, and one to ${SMALL} beside it …`);
  const before = cpuMs(rig);
  const approvedAt = epochMs();
  await big.desk.approve(bigTask);
  await waitForPush(
    rig.pool,
    bigTask,
    ({ planned, left }) => planned > 0 && left < planned * (1 - UNDER_WAY),
  );
  const smallApprovedAt = epochMs();
  await small.desk.approve(smallTask);
  const sentBig = await waitForPush(rig.pool, bigTask, ({ isSent }) => isSent);
  const sentSmall = await waitForPush(rig.pool, smallTask, ({ isSent }) => isSent);
  const used = difference(cpuMs(rig), before);

  const sentAt = await settledAt(rig, [sentBig.pushNo, sentSmall.pushNo]);
  const startedAt = sentBig.startedAt?.getTime() ?? sentAt;
  const sent = devices + SMALL;
  const perDevice = (ms: number) => round((ms * 1000) / sent, 1);
  const { processed, duplicates } = await rig.simulators.control.counts();
  return {
    perS: round((sent / (sentAt - approvedAt)) * 1000, 0),
    sendPhasePerS: round((sent / (sentAt - startedAt)) * 1000, 0),
    prepareMs: round(startedAt - approvedAt, 0),
    cpuUsPerDevice: {
      worker: perDevice(used.worker),
      postgres: perDevice(used.postgres),
      temporal: perDevice(used.temporal),
    },
    ...(await countEvents(rig, bigTask, sentBig, devices)),
    workerRssMb: round(
      Math.max(...rig.product.workers.map(({ pid }) => (pid === undefined ? 0 : peakRssMb(pid)))),
      0,
    ),
    fairnessMs: round((await lastRequestAt(rig, sentSmall.pushNo)) - smallApprovedAt, 0),
    processed,
    sent: sentBig.planned + sentSmall.planned,
    duplicates,
  };
}

/** The time at which the last answer of both pushes was recorded. */
async function settledAt(rig: Rig, pushNos: readonly number[]): Promise<number> {
  const { rows } = await rig.pool.query<{ at: Date }>(
    'select max(settled_at) as at from deliveries where push_no = any($1)',
    [pushNos],
  );
  const [{ at } = { at: undefined }] = rows;
  if (at === undefined) throw new Error('nothing was settled');
  return at.getTime();
}

/** Sends a first push, so that code is compiled and connections are open. */
async function warmUp(rig: Rig, { desk, audienceId }: Prepared): Promise<void> {
  const task = await desk.submitTask(audienceId);
  await desk.approve(task);
  await waitForPush(rig.pool, task, ({ isSent }) => isSent);
  await rig.simulators.control.reset();
}

async function lastRequestAt(rig: Rig, pushNo: number): Promise<number> {
  return (await spansByPush(rig.simulators)).get(pushNo)?.lastAt ?? Number.NaN;
}

/**
 * Counts events once the task knows that the push is sent. More devices take more leases; all else is per
 * push.
 */
async function countEvents(
  rig: Rig,
  taskId: string,
  { pushId, pushNo }: Progress,
  devices: number,
): Promise<{ events: number; eventsPerMillion: number }> {
  await waitForPush(rig.pool, taskId, ({ status }) => status === 'collecting', 60_000);
  const { temporalAddress } = rig.stack;
  const events = (await historyEvents(temporalAddress, [taskId, pushId])).reduce(
    (sum, each) => sum + each,
    0,
  );
  const { rows } = await rig.pool.query<{ leases: number }>(
    'select count(*)::int as leases from leases where push_no = $1',
    [pushNo],
  );
  const leases = rows[0]?.leases ?? 0;
  return { events, eventsPerMillion: round(events + extraLeases(leases, devices) * EVENTS_PER_LEASE, 0) };
}

/** A lease is scheduled, started and completed, and so is the workflow task after its end. */
const EVENTS_PER_LEASE = 6;

function extraLeases(leases: number, devices: number): number {
  return devices >= MILLION ? 0 : (leases * MILLION) / devices - leases;
}
