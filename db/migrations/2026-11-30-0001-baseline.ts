import { type Kysely, sql } from 'kysely';
import { APPS } from './baseline/apps.ts';
import { AUDIENCES, FROZEN_AUDIENCES } from './baseline/audiences.ts';
import { AUDIT } from './baseline/audit.ts';
import { DEVICES } from './baseline/devices.ts';
import { EVENTS } from './baseline/events.ts';
import { FUNCTIONS } from './baseline/functions.ts';
import { LEDGER } from './baseline/ledger.ts';
import { RECEIPTS } from './baseline/receipts.ts';
import { TASKS } from './baseline/tasks.ts';
import { TRIGGERS } from './baseline/triggers.ts';
import { WEBHOOKS } from './baseline/webhooks.ts';

/** Creates the schema. A migration is frozen once released, so that it imports nothing of the product. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

// Each table follows the tables that it refers to.
const STATEMENTS = [
  ...FUNCTIONS,
  ...APPS,
  ...DEVICES,
  ...EVENTS,
  ...AUDIENCES,
  ...TASKS,
  ...FROZEN_AUDIENCES,
  ...AUDIT,
  ...LEDGER,
  ...RECEIPTS,
  ...TRIGGERS,
  ...WEBHOOKS,
];
