import type { BareInput, BareResult, BareSetting } from './bare/main.ts';
import { runEngine } from './fanout/engine.ts';
import { idleCpu } from './fanout/idle.ts';
import { callInProcess } from './lib/child.ts';
import { finishWrites } from './lib/finish-writes.ts';
import { describeMachine } from './lib/machine.ts';
import type { BenchOptions } from './lib/options.ts';
import { type Figures, round, say } from './lib/report.ts';
import { type Rig, withRig } from './lib/rig.ts';
import { type Target, targetOf } from './lib/target.ts';
import { runPeers } from './peers/peers.ts';

const DEVICES = 100_000;
const BARE_AT_MOST = 100_000;
const SETTINGS: readonly BareSetting[] = [
  { sessions: 1, streams: 50 },
  { sessions: 1, streams: 100 },
  { sessions: 2, streams: 50 },
  { sessions: 2, streams: 100 },
  { sessions: 4, streams: 100 },
];

/**
 * The product against job queues and a bare loop. The bare loop runs before and after, because a machine's
 * speed drifts. The better run counts.
 */
export async function fanout(options: BenchOptions): Promise<Figures> {
  const devices = options.devices ?? DEVICES;
  return await withRig(options, async (rig) => {
    const target = targetOf(rig, options.platform);
    const bare = await runBare(rig, target, devices);
    const engine = await runEngine(rig, options, devices);
    await finishWrites(rig);
    const again = await runBare(rig, target, devices);
    const bareRuns = [bare.best, again.best];
    const fastest = bareRuns.reduce((a, b) => (b.perS > a.perS ? b : a));
    const { perS: barePerS, cpuUsPerRequest: bareCpuUs } = fastest;
    await rig.simulators.control.reset();
    const peers = await runPeers(rig, target, Math.min(devices, options.peerDevices));
    say('Idle …');
    const idle = await idleCpu(rig);
    const { worker, postgres, temporal } = engine.cpuUsPerDevice;
    const bestPeer = Math.max(0, ...Object.values(peers.perS));
    return {
      devices,
      oursPerS: engine.perS,
      sendPhasePerS: engine.sendPhasePerS,
      barePerS: round(barePerS, 0),
      bareRuns: bareRuns.map(({ perS, sessions, streams }) => ({ perS: round(perS, 0), sessions, streams })),
      peersPerS: peers.perS,
      peersAbsent: peers.absent,
      ratioToBare: round(engine.perS / barePerS),
      sendPhaseRatioToBare: round(engine.sendPhasePerS / barePerS),
      ratioToBestPeer: bestPeer === 0 ? null : round(engine.perS / bestPeer),
      cpuUsPerDevice: engine.cpuUsPerDevice,
      bareCpuUsPerRequest: round(bareCpuUs, 1),
      cpuRatio: round((worker + postgres + temporal) / bareCpuUs),
      events: engine.events,
      eventsPerMillion: engine.eventsPerMillion,
      workerRssMb: engine.workerRssMb,
      fairnessMs: engine.fairnessMs,
      idleCpu: idle.percent,
      idleCpuParts: idle.parts,
      prepareMs: engine.prepareMs,
      processed: engine.processed,
      sent: engine.sent,
      duplicates: engine.duplicates,
      senders: options.senders,
      platforms: options.platform,
      peerParts: peers.parts,
      machine: await describeMachine(rig),
    };
  });
}

async function runBare(rig: Rig, target: Target, devices: number): Promise<BareResult> {
  await rig.simulators.control.reset();
  const count = Math.min(devices, BARE_AT_MOST);
  const trial = Math.max(2_000, Math.round(count / 10));
  say(`The bare loop: ${SETTINGS.length} settings, then ${count} requests with the best …`);
  const input: BareInput = { target, settings: SETTINGS, trial, count };
  return await callInProcess<BareInput, BareResult>(new URL('./bare/main.ts', import.meta.url), input);
}
