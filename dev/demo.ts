import { collect } from './demo/collecting.ts';
import { compare } from './demo/comparison.ts';
import { Differences } from './demo/differences.ts';
import { loadFiles } from './demo/files.ts';
import { Lifetime } from './demo/lifetime.ts';
import { type DemoOptions, readOptions } from './demo/options.ts';
import { BAD_TOKENS, planFor } from './demo/plan.ts';
import { releaseTask } from './demo/release.ts';
import { finishRepeating, startRepeating } from './demo/repeating.ts';
import { compareRepeating } from './demo/repeating-comparison.ts';
import { printReport } from './demo/report.ts';
import { resultOf } from './demo/result.ts';
import { count, Screen } from './demo/screen.ts';
import { sendWithPause } from './demo/sending.ts';
import { type Stage, setStage } from './demo/stage.ts';
import { gatherTeam, startDevices } from './demo/team.ts';
import type { DeviceSimulator } from './devices/device-simulator.ts';
import { generate } from './devices/generator.ts';

const SEED = 20_261_122;
const lifetime = new Lifetime();

async function run(options: DemoOptions, screen: Screen): Promise<void> {
  const startedAt = performance.now();
  const differences = new Differences();
  const plan = planFor(options.devices);
  screen.say(
    `Signalbox, from a CSV file to final statistics: ${count(options.devices)} devices.\n` +
      `Receipts count for ${plan.windowSeconds} s here (RECEIPT_WINDOW_SECONDS), and for 72 hours in production.\n`,
  );
  const stage = await setStage(lifetime, screen, plan);
  const files = generate({
    devices: options.devices,
    seed: SEED,
    directory: stage.stack.dataDir,
    shares: BAD_TOKENS,
  });
  const audienceId = await loadFiles(stage, files, screen, differences);
  const team = await gatherTeam(stage, screen, SEED);
  lifetime.own(team.devices);
  const concerns = (token: string) => !team.concerns(token);
  const devices = lifetime.own(await startDevices(stage, SEED, { concerns }));
  const repeating = await startRepeating(stage, team, screen);
  const released = await releaseTask(stage, plan, audienceId, screen);
  const sending = { stage, screen, devices, team, ...released };
  const { push, pause } = await sendWithPause(sending);
  const outcome = await collect(sending, push, differences);
  const repeated = await finishRepeating(stage, repeating, team, screen);
  const counts = await stage.simulators.control.counts();
  const finished = { expected: files.expected, outcome, pause, devices, counts, team, repeated };
  const reconciles = compare(finished, differences) && compareRepeating(repeated, team, differences);
  printReport(screen, finished);
  sayVerdict(screen, differences);
  const durationMs = Math.round(performance.now() - startedAt);
  const badRows = { devices: files.devices.errors.length, audience: files.audience.errors.length };
  const result = resultOf(finished, { badRows, reconciles, differences: differences.found, durationMs });
  if (options.stay) await stay(stage, [devices, team.devices], screen);
  if (options.json) process.stdout.write(`${JSON.stringify(result)}\n`);
  if (!options.stay) await lifetime.end(differences.found.length === 0 ? 0 : 1);
}

function sayVerdict(screen: Screen, { found }: Differences): void {
  screen.say();
  if (found.length === 0) screen.step('Everything adds up: engine, push services and devices agree.');
  else screen.say(`These figures differ:\n${found.map((text) => `  ${text}`).join('\n')}`);
}

async function stay(stage: Stage, all: DeviceSimulator[], screen: Screen): Promise<void> {
  await stage.useRealWindow();
  for (const devices of all) devices.reportUntil(Number.POSITIVE_INFINITY);
  screen.say(`
Everything keeps running. What you push from now on collects receipts for the real 72 hours.

API             ${stage.apiUrl}
API reference   ${stage.apiUrl}/docs
Temporal UI     ${stage.stack.temporalUiUrl}
Temporal CLI    ${stage.stack.temporalCli} --address ${stage.stack.temporalAddress}
Postgres        ${stage.stack.databaseUrl}
Simulators      ${stage.simulators.controlUrl}
Logs            ${stage.stack.dataDir}

The app "${stage.app.name}" (${stage.app.id}) and its keys:
${Object.entries(stage.app.keys)
  .map(([holder, key]) => `  ${holder.padEnd(13)} ${key}`)
  .join('\n')}

Ctrl-C stops everything and removes the data.`);
}

try {
  const options = readOptions(process.argv.slice(2));
  const screen = new Screen(options.json ? process.stderr : process.stdout);
  lifetime.endOnSignals(() => screen.say('\nStopping …'));
  await run(options, screen);
} catch (error) {
  // What fails because everything is being stopped is no news.
  if (!lifetime.isEnding) process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  await lifetime.end(1);
}
