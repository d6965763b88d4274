import closeWithGrace from 'close-with-grace';
import { pino } from 'pino';
import { buildApp } from './api/app.ts';
import { openTemporal } from './api/http/temporal.ts';
import { readConfig } from './config.ts';
import { dropOldUploads } from './db/audiences/upload-progress.ts';
import { dropOldReports } from './db/audiences/upload-reports.ts';
import { openDatabase } from './db/core/database.ts';
import { deleteOldIdempotencyKeys } from './db/core/idempotency.ts';
import { dropOldLate } from './db/receipts/late-receipts.ts';
import { createMac, createMessageMac } from './security/message-mac.ts';
import { createVault } from './security/vault.ts';

const CLOSE_MS = 15_000;
const CLEAN_MS = 3_600_000;

const config = readConfig();
const log = pino({
  level: config.logLevel,
  redact: ['req.headers.authorization', 'headers.authorization', '*.token', '*.secret', '*.key'],
});
const { db, pool } = openDatabase(config.databaseUrl, config.databasePoolSize, 'signalbox-api');
const temporal = openTemporal(config.temporal);
const clock = async () => new Date();

const app = await buildApp({
  db,
  pool,
  temporal,
  clock,
  messageMac: createMessageMac(config.messageKeys),
  approvalMac: createMac(config.signingKey, 'approval'),
  vault: createVault(config.credentialsKey),
  config: {
    adminKey: config.adminKey,
    requestsPerMinute: config.api.requestsPerMinute,
    trustProxy: config.api.trustProxy,
    temporalUiUrl: config.temporalUiUrl,
    webhookRanges: config.webhookRanges,
  },
  log,
});

const cleaning = setInterval(() => {
  const now = new Date();
  Promise.all([
    deleteOldIdempotencyKeys(db, now),
    dropOldUploads(db, now),
    dropOldReports(db, now),
    dropOldLate(db, now),
  ]).catch((error: unknown) => log.warn({ err: error }, 'cleaning'));
}, CLEAN_MS);

closeWithGrace({ delay: CLOSE_MS, logger: log }, async ({ err }) => {
  if (err !== undefined) log.fatal({ err }, 'closing after an error');
  clearInterval(cleaning);
  await app.close();
  await Promise.all([db.destroy(), temporal.connection.close()]);
});

await app.listen({ host: config.api.host, port: config.api.port });
