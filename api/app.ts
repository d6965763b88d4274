import { randomUUID } from 'node:crypto';
import Fastify, { type FastifyBaseLogger, LogController } from 'fastify';
import { serializerCompiler, validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod';
import { enforceAuditTrail } from './audit-actions.ts';
import { createGuards } from './auth.ts';
import type { ApiDeps, App, Routes } from './deps.ts';
import { createIdempotency } from './idempotency.ts';
import { registerPlugins } from './plugins.ts';
import { handleError, handleNotFound } from './problem-handler.ts';
import { logRequests } from './request-log.ts';
import { appStopRoutes } from './routes/app-stop.ts';
import { appRoutes } from './routes/apps.ts';
import { audienceEstimateRoutes } from './routes/audience-estimates.ts';
import { audienceRefreshRoutes } from './routes/audience-refreshes.ts';
import { audienceUploadRoutes } from './routes/audience-uploads.ts';
import { audienceRoutes } from './routes/audiences.ts';
import { auditRoutes } from './routes/audit.ts';
import { contactRuleRoutes } from './routes/contact-rules.ts';
import { contentPreviewRoutes } from './routes/content-previews.ts';
import { credentialRoutes } from './routes/credentials.ts';
import { deviceListRoutes } from './routes/device-list.ts';
import { deviceUserRoutes } from './routes/device-users.ts';
import { deviceRoutes } from './routes/devices.ts';
import { eventRoutes } from './routes/events.ts';
import { healthRoutes } from './routes/health.ts';
import { importRoutes } from './routes/imports.ts';
import { keyRoutes } from './routes/keys.ts';
import { pushRoutes } from './routes/pushes.ts';
import { pushDetailRoutes } from './routes/pushes-details.ts';
import { receiptRoutes } from './routes/receipts.ts';
import { receiptHealthRoutes } from './routes/receipts-health.ts';
import { vendorKeyRoutes } from './routes/receipts-keys.ts';
import { vendorReceiptRoutes } from './routes/receipts-vendor.ts';
import { statisticsRoutes } from './routes/statistics.ts';
import { appStatisticsRoutes } from './routes/statistics-app.ts';
import { statisticsStreamRoutes } from './routes/statistics-stream.ts';
import { subCampaignRoutes } from './routes/sub-campaigns.ts';
import { subgroupRoutes } from './routes/subgroups.ts';
import { taskActionRoutes } from './routes/task-actions.ts';
import { taskApprovalRoutes } from './routes/task-approval.ts';
import { taskApprovalManyRoutes } from './routes/task-approval-many.ts';
import { taskEditRoutes } from './routes/task-edits.ts';
import { taskHistoryRoutes } from './routes/task-history.ts';
import { taskRevisionRoutes } from './routes/task-revisions.ts';
import { taskTriggerRoutes } from './routes/task-trigger.ts';
import { taskRoutes } from './routes/tasks.ts';
import { testSendRoutes } from './routes/test-sends.ts';
import { userTokenKeyRoutes } from './routes/user-token-keys.ts';
import { userRoutes } from './routes/users.ts';
import { webhookRoutes } from './routes/webhooks.ts';
import { webhookLogRoutes } from './routes/webhooks-log.ts';

const ROUTES: readonly Routes[] = [
  healthRoutes,
  appRoutes,
  appStopRoutes,
  keyRoutes,
  credentialRoutes,
  deviceRoutes,
  deviceUserRoutes,
  deviceListRoutes,
  userTokenKeyRoutes,
  userRoutes,
  audienceRoutes,
  audienceUploadRoutes,
  audienceEstimateRoutes,
  audienceRefreshRoutes,
  importRoutes,
  eventRoutes,
  contactRuleRoutes,
  contentPreviewRoutes,
  subgroupRoutes,
  subCampaignRoutes,
  taskRoutes,
  taskEditRoutes,
  taskHistoryRoutes,
  taskRevisionRoutes,
  taskTriggerRoutes,
  taskActionRoutes,
  taskApprovalRoutes,
  taskApprovalManyRoutes,
  testSendRoutes,
  auditRoutes,
  pushRoutes,
  pushDetailRoutes,
  statisticsRoutes,
  appStatisticsRoutes,
  statisticsStreamRoutes,
  receiptRoutes,
  receiptHealthRoutes,
  vendorKeyRoutes,
  vendorReceiptRoutes,
  webhookRoutes,
  webhookLogRoutes,
];

const BODY_BYTES = 1_048_576;

export async function buildApp(deps: ApiDeps): Promise<App> {
  const app = createServer(deps);
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  app.setErrorHandler(handleError);
  app.decorateRequest('caller', null);
  app.decorateRequest('idempotency', null);
  app.decorate('guard', createGuards(deps));
  app.decorate('idempotency', createIdempotency(deps));
  logRequests(app);
  enforceAuditTrail(app);
  await registerPlugins(app, deps);
  app.setNotFoundHandler({ preHandler: app.rateLimit() }, handleNotFound);
  for (const routes of ROUTES) await app.register((scope: App) => routes(scope, deps));
  await app.ready();
  return app;
}

function createServer({ log, config }: ApiDeps): App {
  const loggerInstance: FastifyBaseLogger = log;
  return Fastify({
    loggerInstance,
    trustProxy: config.trustProxy ?? false,
    bodyLimit: BODY_BYTES,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: () => randomUUID(),
    // Headers have to arrive within 10 s, complete requests within 10 minutes, which includes uploads of 1 GB.
    http: { headersTimeout: 10_000 },
    requestTimeout: 600_000,
    keepAliveTimeout: 65_000,
    forceCloseConnections: 'idle',
    return503OnClosing: true,
  }).withTypeProvider<ZodTypeProvider>();
}
