import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createRandom } from '../../dev/devices/random.ts';
import { type Attribution, attributeLosses } from './attribute-losses.ts';
import { type Audit, audit } from './audit.ts';
import { FaultInjector } from './fault-injector.ts';
import type { FaultOptions } from './options.ts';
import { KILLS, STORMS } from './plan.ts';
import { Marketer } from './pushes.ts';
import { AcknowledgedReceipts } from './receipts.ts';
import { type FaultReport, reportOf } from './report.ts';
import { Reporter } from './reporter.ts';
import { openScene, type Scene } from './scene.ts';
import { Traffic } from './traffic.ts';
import { holds } from './until.ts';
import { awaitFinish } from './watchdog.ts';

const REPORTED_MS = 60_000;

/** Kills, freezes and disturbs everything while pushes and receipts flow, then ends all faults and audits. */
export async function runFaults(options: FaultOptions): Promise<FaultReport> {
  const startedAt = performance.now();
  const scene = await openScene(options);
  try {
    return await wreck(scene, options, startedAt);
  } finally {
    await scene.close();
  }
}

async function wreck(scene: Scene, options: FaultOptions, startedAt: number): Promise<FaultReport> {
  const { devices, seed, say } = options;
  const traffic = new Traffic(scene.mac, devices);
  const receipts = new AcknowledgedReceipts(devices);
  const reporter = await Reporter.start(scene, traffic, receipts, seed);
  const marketer = new Marketer(scene, devices);
  const injector = new FaultInjector(scene, reporter, createRandom(seed), options);
  await marketer.start();
  const stuck = await injector.run().then(
    () => [],
    (error: Error) => [error.message],
  );
  marketer.stop();
  say(`calm; ${marketer.taskIds.length} pushes`);
  const unfinished = [...stuck, ...(await awaitFinish(scene, marketer.taskIds, devices))];
  await marketer.ended;
  await flushLog(scene);
  // The reporter has to see what was flushed before it can be idle.
  await holds(async () => reporter.isIdle && traffic.requests === (await requests(scene)), REPORTED_MS);
  const isReported = reporter.isIdle;
  await reporter.stop();
  say(`${traffic.requests} requests, ${reporter.posts} reports of ${receipts.accepted} receipts; auditing`);
  const found = await audit(scene, traffic, receipts, devices);
  const attributed = attributeLosses(found.ambiguous, injector.faults);
  keepDetails(scene, injector, found, attributed);
  return reportOf({
    options,
    kills: Object.fromEntries(KILLS.map((kind) => [kind, injector.hits(kind)])),
    storms: Object.fromEntries(STORMS.map((kind) => [kind, injector.hits(kind)])),
    found,
    attributed,
    traffic,
    crashes: scene.crashes,
    unfinished: [...unfinished, ...(isReported ? [] : ['receipts were still to be reported'])],
    refusedReceipts: receipts.refused,
    receipts: receipts.accepted,
    durationMs: Math.round(performance.now() - startedAt),
  });
}

async function requests({ simulators }: Scene): Promise<number> {
  return (await simulators.control.counts()).requests;
}

/** A request for the log makes the simulators write it out. The file itself is read elsewhere. */
async function flushLog({ simulators }: Scene): Promise<void> {
  const response = await fetch(new URL('/log', simulators.controlUrl));
  await response.body?.cancel();
}

function keepDetails(
  { directory }: Scene,
  { faults }: FaultInjector,
  found: Audit,
  attributed: Attribution,
): void {
  writeFileSync(join(directory, 'details.json'), JSON.stringify({ faults, attributed, ...found }, null, 1));
}
