import { randomBytes } from 'node:crypto';
import type { Context } from '@temporalio/activity';
import type { ScheduleClient } from '@temporalio/client';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker } from '@temporalio/worker';
import { pino } from 'pino';
import { afterAll, beforeAll } from 'vitest';
import { createActivities } from '../../activities/index.ts';
import { createPushServices } from '../../activities/push-services.ts';
import { createSenderActivities, MAX_LEASES } from '../../activities/sending/send-lease.ts';
import { buildApp } from '../../api/app.ts';
import type { App } from '../../api/http/deps.ts';
import { type Db, openSenderDatabase } from '../../db/core/database.ts';
import { createDevCredentials, type DevCredentials } from '../../dev/simulators/credentials.ts';
import { type RunningSimulators, startSimulators } from '../../dev/simulators/start.ts';
import type { Clock } from '../../domain/clock.ts';
import { SENDER_QUEUE, TASK_QUEUE } from '../../domain/workflows/contract.ts';
import { openPushService } from '../../providers/open-push-service.ts';
import { createMac } from '../../security/message-mac.ts';
import { createVault, type Vault } from '../../security/vault.ts';
import { WORKFLOW_SOURCE } from '../../workflow-source.ts';
import { createTestDatabase } from '../setup/database.ts';
import { fixture } from '../setup/fixture.ts';
import { quietRuntime } from '../setup/quiet-runtime.ts';
import { workflowBundle } from '../setup/temporal-environment.ts';

export const ADMIN_KEY = 'admin-key-of-the-world-0123456789abcdef';

/** The whole product in one test: real Postgres, Temporal, API, worker and simulators, moved by one clock. */
export interface World {
  readonly env: TestWorkflowEnvironment;
  readonly app: App;
  readonly db: Db;
  readonly clock: Clock;
  readonly simulators: RunningSimulators;
  readonly credentials: DevCredentials;
  readonly vault: Vault;
  /** Stops the workers; `startWorkers` brings new ones. */
  stopWorkers(): Promise<void>;
  /** `ca` is the authority that the senders trust, in place of that of the simulators. */
  startWorkers(ca?: string): Promise<void>;
  close(): Promise<void>;
}

export async function createWorld(
  createEnvironment: () => Promise<TestWorkflowEnvironment>,
  options: {
    readonly receiptWindowMs?: number;
    /** Stands in for what the time-skipping server lacks. */
    readonly schedules?: ScheduleClient;
  } = {},
): Promise<World> {
  quietRuntime();
  const { credentials, config } = createDevCredentials();
  const [env, database, simulators] = await Promise.all([
    createEnvironment(),
    createTestDatabase(),
    startSimulators(config),
  ]);
  const { db, pool } = database;
  const clock: Clock = async () => new Date(await env.currentTimeMs());
  const log = pino({ level: 'error' });
  const signingKey = randomBytes(32);
  const vault = createVault(randomBytes(32));
  const messageMac = createMac(signingKey, 'message-id');
  const approvalMac = createMac(signingKey, 'approval');
  const http2 = process.env['PUSH_HTTP2'] === 'node' ? 'node' : 'own';
  const endpointsOf = (ca: string) => ({
    apns: { url: new URL(simulators.apnsUrl), ca },
    fcm: { url: new URL(simulators.fcmUrl), ca },
    fcmToken: { url: new URL(simulators.fcmTokenUrl), ca },
  });
  const app = await buildApp({
    db,
    pool,
    clock,
    messageMac,
    approvalMac,
    vault,
    log,
    temporal: env.client,
    config: { adminKey: ADMIN_KEY, requestsPerMinute: 100_000, webhookRanges: ['127.0.0.0/8'] },
  });

  const sending = openSenderDatabase(database.url, 12);

  let stopWorkers: () => Promise<void> = () => Promise.resolve();
  async function startWorkers(ca = simulators.ca): Promise<void> {
    // Tokens are signed with the real time instead of the test's clock, because the simulators check real
    // time.
    const services = createPushServices(
      db,
      (sealed) => vault.open(sealed),
      (channel, credential) => openPushService(channel, credential, endpointsOf(ca), { http2 }),
    );
    const senders = createSenderActivities({
      db: sending.db,
      clock,
      log,
      messageMac,
      services,
      identity: `world-${process.pid}`,
    });
    const activities = createActivities({
      db,
      clock,
      log,
      approvalMac,
      receiptWindowMs: options.receiptWindowMs ?? 72 * 3_600_000,
    });
    const common = {
      connection: env.nativeConnection,
      dataConverter: { payloadConverterPath: WORKFLOW_SOURCE.payloadConverterPath },
      maxHeartbeatThrottleInterval: '200ms',
      shutdownGraceTime: '1s',
    } as const;
    const workers = await Promise.all([
      Worker.create({
        ...common,
        taskQueue: TASK_QUEUE,
        workflowBundle: workflowBundle(),
        activities,
        interceptors: { activity: [(context) => withSchedules(context, options.schedules)] },
      }),
      Worker.create({
        ...common,
        taskQueue: SENDER_QUEUE,
        activities: senders.activities,
        maxConcurrentActivityTaskExecutions: MAX_LEASES,
      }),
    ]);
    const running = workers.map((worker) => worker.run());
    stopWorkers = async () => {
      for (const worker of workers) worker.shutdown();
      await Promise.all(running);
      await senders.drained();
      await services.close();
      stopWorkers = () => Promise.resolve();
    };
  }

  await startWorkers();
  return {
    env,
    app,
    db,
    clock,
    simulators,
    credentials,
    vault,
    startWorkers,
    stopWorkers: () => stopWorkers(),
    async close() {
      await stopWorkers();
      await app.close();
      await sending.db.destroy();
      await Promise.all([env.teardown(), database.drop(), simulators.stop()]);
    },
  };
}

/** For the top of a test file: `createWorld` while its tests run. */
export function useWorld(...args: Parameters<typeof createWorld>): World {
  const world = fixture(beforeAll, () => createWorld(...args));
  afterAll(() => world.close());
  return world;
}

/** Activities reach Schedules by the client of their context. */
function withSchedules(context: Context, schedules: ScheduleClient | undefined): object {
  if (schedules === undefined) return {};
  const client = Object.create(context.client, { schedule: { value: schedules } });
  Object.defineProperty(context, 'client', { value: client });
  return {};
}
