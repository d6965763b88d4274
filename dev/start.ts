import { fileURLToPath } from 'node:url';
import { addressesOf } from './addresses.ts';
import { Lifetime } from './lifetime.ts';
import { startKeptSimulators } from './stack/kept-simulators.ts';
import { startProduct } from './stack/product.ts';
import { keptSampleApp } from './stack/sample-app.ts';
import { startStack } from './stack/stack.ts';

const DATA = fileURLToPath(new URL('../.data/local', import.meta.url));
const API_PORT = 8080;

const lifetime = new Lifetime();

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

async function start(): Promise<void> {
  say('Starting Postgres and Temporal …');
  const stack = lifetime.own(await startStack({ dataDir: DATA, keep: true, ui: true }));
  const { simulators, credentials, env } = await startKeptSimulators(DATA);
  lifetime.own(simulators);
  say('Starting the API and a worker …');
  const onUnexpectedExit = (name: string, logFile: string, reason: string) => {
    say(`The process ${name} ended unexpectedly (${reason}). Its log: ${logFile}`);
    void lifetime.end(1);
  };
  const product = lifetime.own(await startProduct({ stack, env, apiPort: API_PORT, onUnexpectedExit }));
  const { apiUrl } = product;
  const adminKey = stack.env.ADMIN_KEY;
  const app = await keptSampleApp({ dataDir: DATA, apiUrl, adminKey, credentials });
  say(`\n${addressesOf({ apiUrl, stack, simulators, app })}\n\nCtrl-C stops everything; the data stays.`);
}

lifetime.endOnSignals(0, () => say('\nStopping …'));
try {
  await start();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  await lifetime.end(1);
}
