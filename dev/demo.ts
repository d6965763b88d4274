import { addressesOf } from './addresses.ts';
import { collect } from './demo/collect.ts';
import { startEnvironment } from './demo/environment.ts';
import { loadFiles } from './demo/files.ts';
import { type DemoOptions, readOptions } from './demo/options.ts';
import { count, Output } from './demo/output.ts';
import { BAD_TOKENS, planFor, SEED } from './demo/plan.ts';
import { brokenSums, differences, type Finished } from './demo/reconciliation.ts';
import { finishRepeating, startRepeating } from './demo/repeating.ts';
import { printReport } from './demo/report.ts';
import { resultOf } from './demo/result.ts';
import { sendWithPause } from './demo/send.ts';
import { approveBySignal, submitTask } from './demo/tasks.ts';
import { createTeam } from './demo/team.ts';
import { generate } from './devices/generator.ts';
import { Lifetime } from './lifetime.ts';

const PUSH_IN_MS = 5_000;
const INTERRUPTED = 130;
const lifetime = new Lifetime();

async function run(options: DemoOptions, output: Output): Promise<void> {
  const startedAt = performance.now();
  const plan = planFor(options.devices);
  output.say(
    `Signalbox demo: one push to ${count(options.devices)} devices, from a CSV file to final statistics.`,
  );
  output.say(`The receipt window is ${plan.windowSeconds} s here, and 72 hours in production.\n`);
  const environment = await startEnvironment(lifetime, output, plan);
  output.step('Postgres, Temporal, the API, a worker and the simulators of APNs and FCM are running');
  const directory = environment.stack.dataDir;
  const files = generate({ devices: options.devices, seed: SEED, directory, shares: BAD_TOKENS });
  const { audienceId, badRows } = await loadFiles(environment, files);
  const team = await createTeam(environment);
  const devices = await environment.startDevices((token) => !team.concerns(token));
  const repeating = await startRepeating(environment, team);
  const taskId = await submitTask(environment, {
    name: 'Autumn sale',
    pushType: 'single',
    pushAt: new Date(Date.now() + PUSH_IN_MS).toISOString(),
    audience: { id: audienceId },
    content: { title: 'Autumn sale', body: 'Only today: 30 % off', deepLink: 'shop://sale' },
    ratePerSecond: plan.ratePerSecond,
  });
  const approver = await approveBySignal(environment, taskId);
  output.step(`The task "Autumn sale" is approved by ${approver} through a Temporal signal`);
  const { push, pause } = await sendWithPause(environment, devices, taskId, plan.sentWithinMs);
  const outcome = await collect(environment, devices, push);
  const tasks = await finishRepeating(environment, team, repeating);
  const counts = await environment.simulators.control.counts();
  const finished = { outcome, pause, devices, counts, team, tasks, badRows };
  printReport(output, finished);
  const { found, result } = verdictOf(finished, startedAt);
  if (found.length === 0) output.step('Engine, push services and devices agree on every number');
  else output.say(`These figures differ:\n${found.map((text) => `  ${text}`).join('\n')}`);
  if (options.stay) {
    await environment.useRealWindow();
    for (const each of [devices, team.devices]) each.reportUntil(Number.POSITIVE_INFINITY);
    output.say('\nEverything keeps running. Pushes from now on collect receipts for the real 72 hours.\n');
    output.say(`${addressesOf(environment)}\n\nCtrl-C stops everything and removes the data.`);
  }
  if (options.json) process.stdout.write(`${JSON.stringify(result)}\n`);
  if (!options.stay) await lifetime.end(found.length === 0 ? 0 : 1);
}

function verdictOf(finished: Finished, startedAt: number): { found: string[]; result: object } {
  const sums = brokenSums(finished);
  const found = [...sums, ...differences(finished)];
  const durationMs = Math.round(performance.now() - startedAt);
  const result = resultOf(finished, { reconciles: sums.length === 0, differences: found, durationMs });
  return { found, result };
}

try {
  const options = readOptions(process.argv.slice(2));
  const output = new Output(options.json ? process.stderr : process.stdout, options.verbose);
  lifetime.endOnSignals(INTERRUPTED, () => output.say('\nStopping …'));
  await run(options, output);
} catch (error) {
  // A failure that the stop itself causes is not reported.
  if (!lifetime.isEnding) process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  await lifetime.end(1);
}
