import { pino } from 'pino';
import { openDatabase } from '../db/core/database.ts';
import { createMac } from '../security/message-mac.ts';
import { createVault } from '../security/vault.ts';
import { buildApp } from './app.ts';
import { openTemporal } from './http/temporal.ts';

const NOWHERE = '127.0.0.1:1';
const NO_KEY = Buffer.alloc(32);

/** The OpenAPI document as it is committed. No connection is opened. */
export async function openApiText(): Promise<string> {
  const { db, pool } = openDatabase(`postgres://nobody@${NOWHERE}/nothing`, 2);
  const app = await buildApp({
    db,
    pool,
    temporal: openTemporal({ address: NOWHERE }),
    clock: async () => new Date(),
    messageMac: createMac(NO_KEY, 'message-id'),
    approvalMac: createMac(NO_KEY, 'approval'),
    vault: createVault(NO_KEY),
    config: { adminKey: '', requestsPerMinute: 1 },
    log: pino({ level: 'silent' }),
  });
  const document = app.swagger();
  await app.close();
  await db.destroy();
  return `${JSON.stringify(document, null, 2)}\n`;
}
