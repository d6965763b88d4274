import { z } from 'zod';
import { readReceiptHealth } from '../../db/receipts/receipt-health.ts';
import { PLATFORMS } from '../../domain/platform.ts';
import { RECEIPT_KINDS, RECEIPT_RESULTS, RECEIPT_SOURCES } from '../../domain/receipts/receipt.ts';
import { receiptWarnings } from '../../domain/receipts/receipt-warnings.ts';
import { appIdOf } from '../access/auth.ts';
import { route } from '../access/route.ts';
import type { ApiDeps, App } from '../http/deps.ts';
import { IsoDate } from '../http/schemas.ts';

const Arrival = z
  .object({
    source: z.enum(RECEIPT_SOURCES),
    /** Null for late receipts and for receipts of unknown messages. */
    platform: z.enum(PLATFORMS).nullable(),
    kind: z.enum(RECEIPT_KINDS).nullable(),
    result: z.enum([...RECEIPT_RESULTS, 'error']),
    lastAt: IsoDate,
    last24h: z.int(),
  })
  .meta({ id: 'ReceiptArrival' });
const ReceiptHealth = z
  .object({
    asOf: IsoDate,
    hasSdkKey: z.boolean(),
    arrivals: z.array(Arrival),
    inbox: z.object({ waiting: z.int(), oldestAt: IsoDate.nullable() }),
    warnings: z.array(z.object({ code: z.string(), detail: z.string() })),
  })
  .meta({ id: 'ReceiptHealth' });

/** Shows whether receipts arrive. */
export async function receiptHealthRoutes(app: App, deps: ApiDeps): Promise<void> {
  route(app, {
    method: 'GET',
    path: '/v1/receipts/health',
    access: 'app.read',
    schema: {
      operationId: 'getReceiptHealth',
      summary: 'Get how well receipts arrive',
      tags: ['receipts'],
      response: { 200: ReceiptHealth },
    },
    handler: async (request) => {
      const asOf = await deps.clock();
      const health = await readReceiptHealth(deps.db, { appId: appIdOf(request), now: asOf });
      return { asOf, ...health, warnings: receiptWarnings(health, asOf) };
    },
  });
}
