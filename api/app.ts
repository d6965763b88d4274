import { randomUUID } from 'node:crypto';
import Fastify, { type FastifyBaseLogger, LogController } from 'fastify';
import { serializerCompiler, validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod';
import { enforceAuditTrail } from './access/audit-actions.ts';
import { createGuards } from './access/auth.ts';
import { taskApprovalRoutes } from './approval/task-approval.ts';
import { taskApprovalManyRoutes } from './approval/task-approval-many.ts';
import { appStopRoutes } from './apps/app-stop.ts';
import { appRoutes } from './apps/apps.ts';
import { contactRuleRoutes } from './apps/contact-rules.ts';
import { credentialRoutes } from './apps/credentials.ts';
import { healthRoutes } from './apps/health.ts';
import { keyRoutes } from './apps/keys.ts';
import { userTokenKeyRoutes } from './apps/user-token-keys.ts';
import { audienceEstimateRoutes } from './audiences/audience-estimates.ts';
import { audienceRefreshRoutes } from './audiences/audience-refreshes.ts';
import { audienceUploadRoutes } from './audiences/audience-uploads.ts';
import { audienceRoutes } from './audiences/audiences.ts';
import { auditRoutes } from './audit/audit.ts';
import { contentPreviewRoutes } from './content/content-previews.ts';
import { testSendRoutes } from './content/test-sends.ts';
import { deviceListRoutes } from './devices/device-list.ts';
import { deviceUserRoutes } from './devices/device-users.ts';
import { deviceRoutes } from './devices/devices.ts';
import { importRoutes } from './devices/imports.ts';
import { uploadReportRoutes } from './devices/upload-reports.ts';
import { userRoutes } from './devices/users.ts';
import { eventRoutes } from './events/events.ts';
import type { ApiDeps, App, Routes } from './http/deps.ts';
import { useFaultTexts } from './http/fault-texts.ts';
import { createIdempotency } from './http/idempotency.ts';
import { readJsonBodies } from './http/json-body.ts';
import { handleError } from './http/problem-handler.ts';
import { logRequests } from './http/request-log.ts';
import { registerPlugins } from './plugins.ts';
import { pushRoutes } from './pushes/pushes.ts';
import { pushDeliveryRoutes } from './pushes/pushes-deliveries.ts';
import { receiptRoutes } from './receipts/receipts.ts';
import { receiptHealthRoutes } from './receipts/receipts-health.ts';
import { vendorKeyRoutes } from './receipts/receipts-keys.ts';
import { vendorReceiptRoutes } from './receipts/receipts-vendor.ts';
import { statisticsRoutes } from './statistics/statistics.ts';
import { appStatisticsRoutes } from './statistics/statistics-app.ts';
import { statisticsStreamRoutes } from './statistics/statistics-stream.ts';
import { subCampaignRoutes } from './tasks/sub-campaigns.ts';
import { subgroupRoutes } from './tasks/subgroups.ts';
import { taskActionRoutes } from './tasks/task-actions.ts';
import { taskEditRoutes } from './tasks/task-edits.ts';
import { taskHistoryRoutes } from './tasks/task-history.ts';
import { taskRevisionRoutes } from './tasks/task-revisions.ts';
import { taskRoutes } from './tasks/tasks.ts';
import { taskTriggerRoutes } from './triggers/task-trigger.ts';
import { refuseEarly } from './unrouted/early-refusals.ts';
import { collectMethods } from './unrouted/known-methods.ts';
import { createNotFoundHandler } from './unrouted/not-found.ts';
import { answerExpectation, answerUnparsed, HEADER_BYTES } from './unrouted/raw-problem.ts';
import { webhookRoutes } from './webhooks/webhooks.ts';
import { webhookLogRoutes } from './webhooks/webhooks-log.ts';

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
  uploadReportRoutes,
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
  pushDeliveryRoutes,
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
/** Longer than every ID, also in percent-encoding, so that schemas decide about lengths. */
const MAX_PARAMETER = 4_096;

export async function buildApp(deps: ApiDeps): Promise<App> {
  useFaultTexts();
  const app = createServer(deps);
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  app.setErrorHandler(handleError);
  readJsonBodies(app);
  const methodsOf = collectMethods(app);
  app.decorateRequest('caller', null);
  app.decorateRequest('idempotency', null);
  app.decorateRequest('contentMeter', null);
  app.decorate('guard', createGuards(deps));
  app.decorate('idempotency', createIdempotency(deps));
  logRequests(app);
  refuseEarly(app);
  enforceAuditTrail(app);
  await registerPlugins(app, deps);
  app.setNotFoundHandler({ preHandler: app.rateLimit() }, createNotFoundHandler(methodsOf));
  for (const routes of ROUTES) await app.register((scope: App) => routes(scope, deps));
  await app.ready();
  return app;
}

function createServer({ log, config }: ApiDeps): App {
  const loggerInstance: FastifyBaseLogger = log;
  const app = Fastify({
    loggerInstance,
    frameworkErrors: (error, request, reply) => void handleError(error, request, reply),
    clientErrorHandler: answerUnparsed,
    routerOptions: { maxParamLength: MAX_PARAMETER },
    trustProxy: config.trustProxy ?? false,
    bodyLimit: BODY_BYTES,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: () => randomUUID(),
    // Headers must arrive within 10 s. Complete requests, uploads of 1 GB included, must arrive within 10 minutes.
    http: { headersTimeout: 10_000, maxHeaderSize: HEADER_BYTES, requireHostHeader: false },
    requestTimeout: 600_000,
    keepAliveTimeout: 65_000,
    forceCloseConnections: 'idle',
    // refuseEarly answers a problem instead.
    return503OnClosing: false,
  }).withTypeProvider<ZodTypeProvider>();
  app.server.on('checkExpectation', answerExpectation);
  return app;
}
