import { setTimeout as sleep } from 'node:timers/promises';
import { createRandom, type Random } from '../dev/devices/random.ts';
import { insertDevices } from './lib/devices.ts';
import { describeMachine } from './lib/machine.ts';
import type { BenchOptions } from './lib/options.ts';
import { percentile } from './lib/percentile.ts';
import { type Figures, round, say } from './lib/report.ts';
import { type Rig, withRig } from './lib/rig.ts';
import { type Desk, openDesk } from './lib/tasks.ts';
import { epochMs, progressOf, waitFor, waitForPush } from './lib/watch.ts';
import { countLedger } from './pause/ledger.ts';
import { aMoment, type Pausing, pauseAndResume, startedWhilePaused } from './pause/pausing.ts';

const DEVICES = 200_000;
const PAUSES = 40;
const FROZEN = 5;
/** The time after the thaw in which a sender must not send. */
const THAWED_MS = 500;
/** The number of requests after which a push is at full speed, after its start or a resume. */
const UNDER_WAY = 2_000;
const UNDER_WAY_LIMIT_MS = 60_000;
/**
 * Time between a resume and the next pause, in milliseconds, so that pauses fall on any moment of a lease.
 */
const SENDING = { min: 20, spread: 700 };

/**
 * Pauses and resumes pushes at full speed at random moments, and counts which were acknowledged over HTTP.
 */
export async function pause(options: BenchOptions): Promise<Figures> {
  const devices = options.devices ?? DEVICES;
  const n = options.n ?? PAUSES;
  const figures = await withRig(options, async (rig) => {
    say(`${n} pauses during pushes to ${devices} devices …`);
    return { ...(await pauseOften(rig, options, devices, n)), machine: await describeMachine(rig) };
  });
  const frozen = await withRig({ ...options, senders: Math.max(2, options.senders) }, async (rig) => {
    say(`${FROZEN} pauses while a sender is frozen …`);
    return await pauseFrozen(rig, options, devices, FROZEN);
  });
  return { ...figures, ...frozen, devices, seed: options.seed };
}

async function pauseOften(rig: Rig, options: BenchOptions, devices: number, n: number): Promise<Figures> {
  const random = createRandom(options.seed);
  const pushes = await openPushes(rig, options, devices);
  const pausings = await pauseTimes(n, pushes, random, (taskId) =>
    pauseAndResume(pushes.desk, taskId, aMoment(random)),
  );
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
    pushes: pushes.count,
  };
}

/** One of two senders is frozen in the middle of its work, and thawed while the push is paused. */
async function pauseFrozen(rig: Rig, options: BenchOptions, devices: number, n: number): Promise<Figures> {
  const pid = rig.product.workers.at(-1)?.pid;
  if (pid === undefined) throw new Error('there is no second sender to freeze');
  const random = createRandom(options.seed);
  const pushes = await openPushes(rig, options, devices);
  const pausings = await pauseTimes(n, pushes, random, (taskId) => {
    process.kill(pid, 'SIGSTOP');
    return pauseAndResume(pushes.desk, taskId, async () => {
      process.kill(pid, 'SIGCONT');
      await sleep(THAWED_MS);
    }).finally(() => process.kill(pid, 'SIGCONT'));
  });
  const ledger = await countLedger(rig.pool);
  return {
    frozenN: pausings.length,
    frozenAckMaxMs: round(Math.max(...pausings.map(({ ackMs }) => ackMs)), 0),
    frozenStartedAfterAck: await startedWhilePaused(rig.simulators, pausings),
    frozenDuplicates: (await rig.simulators.control.counts()).duplicates,
    frozenReconciles: ledger.reconciles,
  };
}

/** Pauses `n` times at random moments, and lets the pushes end. */
async function pauseTimes(
  n: number,
  pushes: Pushes,
  random: Random,
  pauseOne: (taskId: string) => Promise<Pausing | undefined>,
): Promise<Pausing[]> {
  const pausings: Pausing[] = [];
  while (pausings.length < n) {
    const taskId = await pushes.current();
    await sleep(SENDING.min + random.below(SENDING.spread));
    const pausing = await pauseOne(taskId);
    // The push had ended just before: nothing was paused.
    if (pausing !== undefined) pausings.push(pausing);
  }
  await pushes.end();
  return pausings;
}

interface Pushes {
  readonly desk: Desk;
  readonly count: number;
  /** Returns a task whose push is at full speed. */
  current(): Promise<string>;
  end(): Promise<void>;
}

async function openPushes(rig: Rig, options: BenchOptions, devices: number): Promise<Pushes> {
  const app = await rig.createApp('pause');
  const desk = openDesk(rig.product.apiUrl, app);
  const place = { appId: app.id, platforms: options.platform, salt: 'pause ' };
  await insertDevices(rig.pool, { ...place, count: devices });
  const audienceId = await desk.createAudience();
  const tasks: string[] = [];
  const least = Math.min(UNDER_WAY, devices / 10);

  async function start(): Promise<string> {
    const taskId = await desk.submitTask(audienceId);
    tasks.push(taskId);
    await desk.approve(taskId);
    // From then on code is compiled and connections are open.
    await waitForPush(rig.pool, taskId, ({ planned, left }) => left < planned - least);
    return taskId;
  }

  const isSent = async (taskId: string) => (await progressOf(rig.pool, taskId))?.isSent === true;

  /**
   * Waits for requests, or for the end of the push. A push with the status `sending` may not have made one
   * yet.
   */
  async function seeRequests(taskId: string): Promise<void> {
    const since = epochMs();
    const { control } = rig.simulators;
    const isSeen = async () => (await control.requestsSince(since)) >= least || (await isSent(taskId));
    await waitFor(async () => ((await isSeen()) ? true : undefined), UNDER_WAY_LIMIT_MS);
  }

  return {
    desk,
    get count() {
      return tasks.length;
    },
    async current() {
      const taskId = tasks.at(-1);
      if (taskId === undefined) return await start();
      await seeRequests(taskId);
      return (await isSent(taskId)) ? await start() : taskId;
    },
    async end() {
      for (const id of tasks) await waitForPush(rig.pool, id, (push) => push.isSent);
    },
  };
}
