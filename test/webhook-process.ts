import { pino } from 'pino';
import { startWebhookDeliverer } from '../activities/webhooks/webhook-deliverer.ts';
import { openDatabase } from '../db/core/database.ts';
import { createFindTarget } from '../security/outbound-targets.ts';
import { createVault } from '../security/vault.ts';

/** A deliverer in a process that the test kills. Its clock stands at `NOW`, like the clock of the test. */
const { db } = openDatabase(process.env['DATABASE_URL'] ?? '');
const vault = createVault(Buffer.from(process.env['CREDENTIALS_KEY'] ?? '', 'base64'));
startWebhookDeliverer({
  db,
  clock: async () => new Date(process.env['NOW'] ?? Number.NaN),
  log: pino({ level: 'silent' }),
  open: (sealed) => vault.open(sealed),
  findTarget: createFindTarget(['127.0.0.0/8']),
});
