import { hostname } from 'node:os';
import { Client } from '@temporalio/client';
import { WorkflowIdConflictPolicy } from '@temporalio/common';
import { NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { pino } from 'pino';
import { createActivities } from './activities/index.ts';
import { createPushServices } from './activities/push-services.ts';
import { createSenderActivities, MAX_LEASES } from './activities/sending/send-lease.ts';
import { startWebhookDeliverer } from './activities/webhooks/webhook-deliverer.ts';
import { readConfig } from './config.ts';
import { openDatabase, openSenderDatabase } from './db/core/database.ts';
import { HOUSEKEEPING, SENDER_QUEUE, TASK_QUEUE, TRIGGERS } from './domain/workflows/contract.ts';
import { openPushService } from './providers/open-push-service.ts';
import { createMac, createMessageMac } from './security/message-mac.ts';
import { createFindTarget } from './security/outbound-targets.ts';
import { createVault } from './security/vault.ts';
import { WORKFLOW_SOURCE } from './workflow-source.ts';

const TRIGGER_TIMES = { everyMs: 2000, forMs: 10 * 60_000 };
const HOUSEKEEPING_TIMES = { everyMs: 5 * 60_000, graceMs: 10 * 60_000 };

const config = readConfig();
const log = pino({ level: config.logLevel, base: { process: 'worker', role: config.workerRole } });
const clock = async () => new Date();

Runtime.install({
  logger: {
    log: (level, message, meta) => log[level.toLowerCase() as 'info'](meta ?? {}, message),
    trace: (message, meta) => log.trace(meta ?? {}, message),
    debug: (message, meta) => log.debug(meta ?? {}, message),
    info: (message, meta) => log.info(meta ?? {}, message),
    warn: (message, meta) => log.warn(meta ?? {}, message),
    error: (message, meta) => log.error(meta ?? {}, message),
  },
  // On SIGTERM and SIGINT the workers stop polling, finish what they hold, and run() returns.
  shutdownSignals: ['SIGTERM', 'SIGINT'],
});

const { db, pool } = openDatabase(config.databaseUrl, config.databasePoolSize, 'signalbox-worker');
const vault = createVault(config.credentialsKey);
const services = createPushServices(
  db,
  (sealed) => vault.open(sealed),
  (channel, credential) => openPushService(channel, credential, config.endpoints, { http2: config.http2 }),
);
const connection = await NativeConnection.connect({ address: config.temporal.address });
const identity = `${process.pid}@${hostname()}`;
const common = {
  connection,
  identity,
  namespace: config.temporal.namespace,
  dataConverter: { payloadConverterPath: WORKFLOW_SOURCE.payloadConverterPath },
  shutdownGraceTime: '2s',
  shutdownForceTime: '20s',
} as const;

const sending = openSenderDatabase(config.databaseUrl, config.databasePoolSize);
const senders = createSenderActivities({
  db: sending.db,
  clock,
  log,
  services,
  identity,
  messageMac: createMessageMac(config.messageKeys),
});

async function createWorkflowWorker(): Promise<Worker> {
  const bundle =
    config.workflowBundle === undefined
      ? { workflowsPath: WORKFLOW_SOURCE.workflowsPath }
      : { workflowBundle: { codePath: config.workflowBundle } };
  return await Worker.create({
    ...common,
    ...bundle,
    taskQueue: TASK_QUEUE,
    activities: createActivities({
      db,
      clock,
      log,
      approvalMac: createMac(config.signingKey, 'approval'),
      receiptWindowMs: config.receiptWindowMs,
    }),
    maxConcurrentActivityTaskExecutions: 20,
  });
}

/** Few pollers, because the open polls of a frozen worker swallow the leases that they receive. */
async function createSenderWorker(): Promise<Worker> {
  return await Worker.create({
    ...common,
    taskQueue: SENDER_QUEUE,
    activities: senders.activities,
    maxConcurrentActivityTaskExecutions: MAX_LEASES,
    activityTaskPollerBehavior: { type: 'simple-maximum', maximum: 2 },
    // A sender learns of a pause from its next statement; the answer to a heartbeat only confirms it.
    maxHeartbeatThrottleInterval: '1s',
  });
}

const workers = await Promise.all([
  ...(config.workerRole === 'sender' ? [] : [createWorkflowWorker()]),
  ...(config.workerRole === 'workflow' ? [] : [createSenderWorker()]),
]);
if (config.workerRole !== 'sender') {
  const client = new Client({ connection, namespace: config.temporal.namespace });
  await client.workflow.start(HOUSEKEEPING, {
    workflowId: HOUSEKEEPING,
    taskQueue: TASK_QUEUE,
    workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
    args: [HOUSEKEEPING_TIMES],
    staticSummary: 'ends orphaned tasks and pushes, drops unused partitions',
  });
  await client.workflow.start(TRIGGERS, {
    workflowId: TRIGGERS,
    taskQueue: TASK_QUEUE,
    workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
    args: [TRIGGER_TIMES],
    staticSummary: 'adds users of events to trigger tasks, requests pushes for due users',
  });
}
const deliverer =
  config.workerRole === 'sender'
    ? undefined
    : startWebhookDeliverer({
        db,
        clock,
        log,
        open: (sealed) => vault.open(sealed),
        findTarget: createFindTarget(config.webhookRanges),
      });
log.info('the worker is ready');
await Promise.all(workers.map((worker) => worker.run()));
await deliverer?.stop();
await senders.drained();
await services.close();
await connection.close();
await Promise.all([db.destroy(), sending.db.destroy()]);
log.info({ idle: pool.idleCount }, 'the worker has stopped');
