import { z } from 'zod';
import type { ReceiptResult } from '../../domain/receipts/receipt.ts';
import { RECEIPT_RESULTS } from '../../domain/receipts/receipt.ts';
import { ReceiptInput, readReceipts } from '../../domain/receipts/receipt-reader.ts';
import { AUDIT_ACTIONS } from '../access/audit-actions.ts';
import { appIdOf } from '../access/auth.ts';
import { route } from '../access/route.ts';
import type { ApiDeps, App } from '../http/deps.ts';
import { readJsonBodies } from '../http/json-body.ts';
import { IsoDate } from '../http/schemas.ts';
import { createGate } from './receipt-gate.ts';
import { createReceiptRecorder } from './receipt-recorder.ts';
import { RECEIPTS_EXAMPLE } from './receipts-example.ts';

const MAX_RECEIPTS = 1_000;
/** The bound counts raw bodies. The parsed form takes a few times as much memory. */
const MAX_WAITING_BYTES = 16 * 1_048_576;

const Receipts = z
  .strictObject({
    /** The device's own time of sending, which shows the error of its clock. */
    sentAt: IsoDate.optional(),
    /** Items are checked one by one. An invalid item is refused by its index, and the others count. */
    receipts: z
      .array(z.union([z.unknown(), ReceiptInput]))
      .min(1)
      .max(MAX_RECEIPTS),
  })
  .meta({ id: 'Receipts' });
const ReceiptsAnswer = z
  .object({
    /** The number of receipts that are counted, now or by an earlier report. */
    accepted: z.int(),
    results: z.array(
      z.union([
        z.object({ index: z.int(), result: z.enum(RECEIPT_RESULTS) }),
        z.object({ index: z.int(), error: z.string() }),
      ]),
    ),
  })
  .meta({ id: 'ReceiptsAnswer' });
type ReceiptsAnswer = z.infer<typeof ReceiptsAnswer>;

export async function receiptRoutes(app: App, deps: ApiDeps): Promise<void> {
  readJsonBodies(app, 'inItems');
  const record = createReceiptRecorder(deps.db);
  const gate = createGate(MAX_WAITING_BYTES);
  route(app, {
    method: 'POST',
    path: '/v1/receipts',
    access: 'sdk',
    onRequest: gate.admit,
    audit: AUDIT_ACTIONS.reportReceipts,
    // The answer is built in the shape of the schema. A second check would take most of the time.
    serializerCompiler: () => (answer) => JSON.stringify(answer),
    schema: {
      operationId: 'reportReceipts',
      summary: 'Report receipts of devices',
      tags: ['receipts'],
      example: RECEIPTS_EXAMPLE,
      body: Receipts,
      response: { 200: ReceiptsAnswer },
    },
    problems: [413],
    handler: async (request) => {
      const now = await deps.clock();
      const { sentAt, receipts: items } = request.body;
      const { receipts, refusals } = readReceipts(deps.messageMac, items, { now, sentAt });
      const unknown = refusals.filter((refusal) => 'result' in refusal).length;
      const refused = refusals.length === 0 ? undefined : { unknown, error: refusals.length - unknown };
      const results = await record({ now, appId: appIdOf(request), source: 'sdk', receipts, refused });
      return answerOf(items.length, results, refusals);
    },
  });
}

function answerOf(
  count: number,
  counted: ReadonlyMap<number, ReceiptResult>,
  refusals: readonly ReceiptsAnswer['results'][number][],
): ReceiptsAnswer {
  const results: ReceiptsAnswer['results'] = Array.from({ length: count }, (_, index) => ({
    index,
    result: counted.get(index) ?? 'unknown',
  }));
  for (const refusal of refusals) results[refusal.index] = refusal;
  const accepted = results.filter(
    (one) => 'result' in one && (one.result === 'counted' || one.result === 'duplicate'),
  ).length;
  return { accepted, results };
}
