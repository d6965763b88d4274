import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Kysely } from 'kysely';
import { openDatabase } from '../../db/core/database.ts';
import type { Schema } from '../../db/schema/schema.ts';
import { createDevCredentials } from '../../dev/simulators/credentials.ts';
import { type RunningSimulators, startSimulators } from '../../dev/simulators/start.ts';
import { apnsToken, fcmToken } from '../../dev/simulators/tokens.ts';
import type { RunningProcess } from '../../dev/stack/process.ts';
import { type Product, startProduct } from '../../dev/stack/product.ts';
import { createSampleApp, type SampleApp } from '../../dev/stack/sample-app.ts';
import { type Stack, startStack } from '../../dev/stack/stack.ts';
import type { Mac } from '../../domain/receipts/message-id.ts';
import { createMac } from '../../security/message-mac.ts';
import { processOf, revive } from './fault-targets.ts';
import type { FaultOptions } from './options.ts';

/** Slow answers, so that requests are open when a process dies, and some bad tokens. */
export const CALM = {
  delayMs: { min: 5, max: 30 },
  shareUnregistered: 0.01,
  shareBadToken: 0.005,
  goawayEveryStreams: 0,
  shareUnavailable: 0,
  blackhole: false,
};

/** The whole product as separate processes, with this test's access to them. */
export interface Scene {
  readonly stack: Stack;
  readonly product: Product;
  readonly workflowWorker: RunningProcess;
  readonly senders: readonly RunningProcess[];
  readonly simulators: RunningSimulators;
  readonly app: SampleApp;
  readonly mac: Mac;
  readonly db: Kysely<Schema>;
  /** Holds the logs of all processes in the end, and is not removed. */
  readonly directory: string;
  /** Processes that ended without having been killed. */
  readonly crashes: string[];
  close(): Promise<void>;
}

const SENDERS = 2;
const SUPERVISED_MS = 500;

/** A folder in this checkout, so that the logs can be read after the run. */
function emptyDirectory({ seed, temporal }: FaultOptions): string {
  const directory = fileURLToPath(new URL(`../../.data/faults/${temporal}-${seed}`, import.meta.url));
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  return directory;
}

function keepLogs(stack: Stack, directory: string): void {
  for (const name of ['logs', 'temporal.log', 'postgres.log']) {
    cpSync(join(stack.dataDir, name), join(directory, name), { recursive: true });
  }
}

export async function openScene(options: FaultOptions): Promise<Scene> {
  const directory = emptyDirectory(options);
  const parts: (() => Promise<unknown>)[] = [];
  async function close(): Promise<void> {
    for (const end of parts.toReversed()) await end();
  }
  try {
    const stack = await startStack({ keep: false, ui: false, temporal: options.temporal });
    parts.push(stack.stop, async () => keepLogs(stack, directory));
    const { credentials, config } = createDevCredentials();
    const simulators = await startSimulators(config);
    parts.push(simulators.stop);
    await simulators.control.change({ apns: CALM, fcm: CALM });
    const crashes: string[] = [];
    const product = await startProduct({
      stack,
      workers: ['workflow', ...Array.from({ length: SENDERS }, () => 'sender' as const)],
      env: {
        APNS_URL: simulators.apnsUrl,
        FCM_URL: simulators.fcmUrl,
        FCM_TOKEN_URL: simulators.fcmTokenUrl,
        PUSH_CA_FILE: simulators.caFile,
      },
      onUnexpectedExit: (name, _logFile, reason) => {
        crashes.push(`${name} (${reason})`);
        options.say(`crashed: ${name} (${reason})`);
        const crashed = [product.api, ...product.workers].find((each) => each.name === name);
        if (crashed !== undefined) revive(processOf(crashed), SUPERVISED_MS).catch(() => undefined);
      },
    });
    parts.push(product.stop);
    const adminKey = stack.env.ADMIN_KEY;
    const app = await createSampleApp({ apiUrl: product.apiUrl, adminKey, credentials });
    await importDevices(product.apiUrl, app.keys.marketer, options.devices);
    const { db } = openDatabase(stack.databaseUrl, 4, 'signalbox-faults');
    parts.push(() => db.destroy());
    const [workflowWorker, ...senders] = product.workers;
    if (workflowWorker === undefined) throw new Error('there is no workflow worker');
    const mac = createMac(Buffer.from(stack.env.SIGNING_KEY, 'base64'), 'message-id');
    return { stack, product, workflowWorker, senders, simulators, app, mac, db, directory, crashes, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Imports devices, half of them iOS, half Android. */
async function importDevices(apiUrl: string, key: string, count: number): Promise<void> {
  const rows = Array.from({ length: count }, (_, n) =>
    n % 2 === 0 ? `device-${n},ios,${apnsToken(n)}` : `device-${n},android,${fcmToken(n)}`,
  );
  const response = await fetch(`${apiUrl}/v1/devices/import`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'text/csv' },
    body: `device_id,platform,token\n${rows.join('\n')}\n`,
  });
  if (!response.ok) throw new Error(`import: ${response.status} ${await response.text()}`);
}
