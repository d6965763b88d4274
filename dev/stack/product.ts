import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { migrateToLatest } from '../../db/migrations/migrate.ts';
import { isPolled } from '../../deploy/pollers.ts';
import { writeWorkflowBundle } from '../bundle.ts';
import { freePort } from './ports.ts';
import { type RunningProcess, startProcess } from './process.ts';
import type { Stack } from './stack.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/**
 * As in `npm run api`. A third of the old generation is alive, so it is collected at twice its live size
 * instead of four times.
 */
const API_FLAGS = ['--heap-growing-percent=100'];
/**
 * As in `npm run worker`. Thousands of requests in flight allocate short-lived objects, which are not to be
 * copied.
 */
const WORKER_FLAGS = ['--max-semi-space-size=64', ...API_FLAGS];

export type WorkerRole = 'workflow' | 'sender' | 'both';

export interface ProductOptions {
  stack: Stack;
  /** Added to the stack's environment: the addresses of the push services, limits, windows. */
  env?: Readonly<Record<string, string>>;
  /** The port that is tried first. */
  apiPort?: number;
  /** The workers to start with; one that does everything by default. */
  workers?: readonly WorkerRole[];
  onUnexpectedExit?: (name: string, logFile: string, reason: string) => void;
}

export interface Product {
  readonly apiUrl: string;
  /** The environment of the processes, without their roles. */
  readonly env: NodeJS.ProcessEnv;
  readonly api: RunningProcess;
  readonly workers: readonly RunningProcess[];
  addWorker(role: WorkerRole): Promise<RunningProcess>;
  /** Stops the API and the workers, not the stack. */
  stop(): Promise<void>;
}

/** Migrates the database and runs the API and the workers as processes of their own, as in production. */
export async function startProduct(options: ProductOptions): Promise<Product> {
  const { stack, onUnexpectedExit } = options;
  await migrateToLatest(stack.databaseUrl);
  const bundle = join(stack.dataDir, 'workflow-bundle.js');
  await writeWorkflowBundle(bundle);
  const port = await freePort(options.apiPort);
  const apiUrl = `http://127.0.0.1:${port}`;
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    ...stack.env,
    API_HOST: '127.0.0.1',
    API_PORT: `${port}`,
    WORKFLOW_BUNDLE: bundle,
    ...options.env,
  };
  const running: RunningProcess[] = [];
  const workers: RunningProcess[] = [];

  function common(name: string, script: string, flags: readonly string[] = []) {
    const logFile = join(stack.dataDir, 'logs', `${name}.log`);
    const report = (reason: string) => onUnexpectedExit?.(name, logFile, reason);
    return {
      name,
      command: process.execPath,
      args: [...flags, join(ROOT, script)],
      cwd: ROOT,
      logFile,
      stopTimeoutMs: 60_000,
      onUnexpectedExit: report,
    };
  }

  async function addWorker(role: WorkerRole): Promise<RunningProcess> {
    const { TEMPORAL_ADDRESS: address, TEMPORAL_NAMESPACE: namespace } = stack.env;
    const worker = await startProcess({
      ...common(`worker-${workers.length + 1}`, 'worker.ts', WORKER_FLAGS),
      env: { ...env, WORKER_ROLE: role },
      ready: {
        check: (pid) => isPolled({ address, namespace, role, isWanted: (id) => id.startsWith(`${pid}@`) }),
      },
    });
    workers.push(worker);
    running.push(worker);
    return worker;
  }

  async function stop(): Promise<void> {
    await Promise.all(running.map((child) => child.stop()));
  }

  try {
    const api = await startProcess({
      ...common('api', 'server.ts', API_FLAGS),
      env,
      ready: { url: `${apiUrl}/health/ready` },
    });
    running.push(api);
    for (const role of options.workers ?? (['both'] as const)) await addWorker(role);
    return { apiUrl, env, api, workers, addWorker, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
