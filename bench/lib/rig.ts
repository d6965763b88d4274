import { Pool } from 'pg';
import { createDevCredentials, type DevCredentials } from '../../dev/simulators/credentials.ts';
import { type RunningSimulators, startSimulators } from '../../dev/simulators/start.ts';
import { type Product, startProduct, type WorkerRole } from '../../dev/stack/product.ts';
import { createSampleApp, type SampleApp } from '../../dev/stack/sample-app.ts';
import { type Stack, startStack } from '../../dev/stack/stack.ts';
import type { BenchOptions } from './options.ts';
import { say } from './report.ts';

/** The whole product as processes of their own, sending to strict simulators in another one. */
export interface Rig {
  readonly stack: Stack;
  readonly product: Product;
  readonly simulators: RunningSimulators;
  readonly credentials: DevCredentials;
  /** Connections for set-up and for watching. The product has its own. */
  readonly pool: Pool;
  createApp(name: string): Promise<SampleApp>;
  stop(): Promise<void>;
}

/** One process that does everything, as the product ships. More senders have a process each. */
function rolesOf(senders: number): WorkerRole[] {
  return ['both', ...new Array<WorkerRole>(senders - 1).fill('sender')];
}

export async function openRig(options: BenchOptions): Promise<Rig> {
  const opened: { stop(): Promise<unknown> }[] = [];
  async function stop(): Promise<void> {
    for (const part of opened.splice(0).reverse()) await part.stop();
  }
  try {
    say(`Starting Postgres, Temporal (${options.temporal}), the simulators and the product …`);
    const stack = await startStack({ keep: false, ui: false, temporal: options.temporal });
    opened.push(stack);
    const { credentials, config } = createDevCredentials();
    const simulators = await startSimulators(config);
    opened.push(simulators);
    const product = await startProduct({
      stack,
      workers: rolesOf(options.senders),
      env: {
        APNS_URL: simulators.apnsUrl,
        FCM_URL: simulators.fcmUrl,
        FCM_TOKEN_URL: simulators.fcmTokenUrl,
        PUSH_CA_FILE: simulators.caFile,
        ...(options.profile === undefined
          ? {}
          : { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${options.profile}` }),
      },
      onUnexpectedExit: (name, log, reason) => say(`The process ${name} ended (${reason}); its log: ${log}`),
    });
    opened.push(product);
    const pool = new Pool({ connectionString: stack.databaseUrl, max: 4 });
    pool.on('error', (error) => say(`A connection of the benchmark ended: ${error.message}`));
    opened.push({ stop: () => pool.end() });
    const createApp = (name: string) =>
      createSampleApp({ apiUrl: product.apiUrl, adminKey: stack.env.ADMIN_KEY, credentials, name });
    return { stack, product, simulators, credentials, pool, createApp, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

export async function withRig<T>(options: BenchOptions, use: (rig: Rig) => Promise<T>): Promise<T> {
  const rig = await openRig(options);
  try {
    return await use(rig);
  } finally {
    await rig.stop();
  }
}
