import { fileURLToPath } from 'node:url';
import { startKeptSimulators } from './stack/kept-simulators.ts';
import { startProduct } from './stack/product.ts';
import { keptSampleApp } from './stack/sample-app.ts';
import { startStack } from './stack/stack.ts';

const DATA = fileURLToPath(new URL('../.data/local', import.meta.url));
const API_PORT = 8080;

/** One Ctrl-C arrives twice under npm: from the terminal, and passed on by npm. */
const ECHO_MS = 1_000;

let askedAt = 0;
const started: { stop(): Promise<void> }[] = [];
let ending: Promise<never> | undefined;

async function stopAll(exitCode: number): Promise<never> {
  for (const part of started.toReversed()) await part.stop();
  process.exit(exitCode);
}

/** A later call ends at once: what still runs then ends by itself, because this process has ended. */
function end(exitCode: number): void {
  if (ending === undefined) {
    askedAt = performance.now();
    ending = stopAll(exitCode);
  } else if (performance.now() - askedAt > ECHO_MS) process.exit(exitCode);
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    if (ending === undefined) say('\nStopping …');
    end(0);
  });
}

try {
  say('Starting Postgres and Temporal …');
  const stack = await startStack({ dataDir: DATA, keep: true, ui: true });
  started.push(stack);
  const { simulators, credentials, env } = await startKeptSimulators(DATA);
  started.push(simulators);
  say('Starting the API and a worker …');
  const product = await startProduct({
    stack,
    env,
    apiPort: API_PORT,
    onUnexpectedExit: (name, logFile, reason) => {
      say(`The process ${name} ended unexpectedly (${reason}). Its log: ${logFile}`);
      end(1);
    },
  });
  started.push(product);
  const app = await keptSampleApp({
    dataDir: DATA,
    apiUrl: product.apiUrl,
    adminKey: stack.env.ADMIN_KEY,
    credentials,
  });
  say(`
API             ${product.apiUrl}
API reference   ${product.apiUrl}/docs
Temporal UI     ${stack.temporalUiUrl}
Temporal CLI    ${stack.temporalCli} --address ${stack.temporalAddress}
Postgres        ${stack.databaseUrl}
Simulators      ${simulators.controlUrl}
Data and logs   ${DATA}

The app "${app.name}" (${app.id}) and its keys:
${Object.entries(app.keys)
  .map(([holder, key]) => `  ${holder.padEnd(13)} ${key}`)
  .join('\n')}

Ctrl-C stops everything; the data stays.`);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  end(1);
}
