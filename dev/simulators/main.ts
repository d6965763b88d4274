import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { SimulatorConfigInput } from './config.ts';
import { createDevCredentials } from './credentials.ts';
import { openSimulators } from './simulators.ts';

const PARENT_CHECK_MS = 500;

const { values } = parseArgs({ options: { config: { type: 'string' } } });
const { config, credentials } = readInput(values.config);
const simulators = await openSimulators(config);

let ending = false;
async function end(): Promise<void> {
  if (ending) return;
  ending = true;
  await simulators.close();
  process.exit(0);
}

process.once('SIGTERM', end);
process.once('SIGINT', end);
process.once('disconnect', end);
const parent = process.ppid;
setInterval(() => {
  if (process.ppid !== parent) void end();
}, PARENT_CHECK_MS);

process.stdout.write(`${JSON.stringify({ ...simulators.addresses, ...(credentials && { credentials }) })}\n`);

/** Without a file the simulators make credentials of their own, which the ready line holds. */
function readInput(file: string | undefined) {
  if (file === undefined) return createDevCredentials();
  const config = JSON.parse(readFileSync(file, 'utf8')) as SimulatorConfigInput;
  return { config, credentials: undefined };
}
