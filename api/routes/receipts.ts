import { z } from 'zod';
import type { App } from '../app.ts';
import { appIdOf } from '../auth.ts';
import type { ApiDeps } from '../deps.ts';
import { SDK } from '../openapi.ts';
import { problemResponses } from '../problem.ts';
import { RESULTS, ReceiptInput, readReceipts } from '../receipt-reader.ts';
import { createReceiptRecorder } from '../receipt-recorder.ts';
import { IsoDate } from '../schemas.ts';

const MAX_RECEIPTS = 1_000;

const Receipts = z
  .strictObject({
    /** The device's own time when it sends: tells by how much its clock is wrong. */
    sentAt: IsoDate.optional(),
    /** Each is checked on its own: what is not one is answered by its index, and the rest counts. */
    receipts: z
      .array(z.union([ReceiptInput, z.unknown()]))
      .min(1)
      .max(MAX_RECEIPTS),
  })
  .meta({ id: 'Receipts' });
const ReceiptsAnswer = z
  .object({
    /** How many were counted now, or had been before. */
    accepted: z.int(),
    results: z.array(
      z.union([
        z.object({ index: z.int(), result: z.enum(RESULTS) }),
        z.object({ index: z.int(), error: z.string() }),
      ]),
    ),
  })
  .meta({ id: 'ReceiptsAnswer' });

const ACCEPTED: readonly string[] = ['counted', 'duplicate'];

export async function receiptRoutes(app: App, deps: ApiDeps): Promise<void> {
  const record = createReceiptRecorder(deps.db);
  app.post(
    '/v1/receipts',
    {
      onRequest: app.guard.sdk,
      schema: {
        operationId: 'reportReceipts',
        tags: ['devices'],
        ...SDK,
        body: Receipts,
        response: { 200: ReceiptsAnswer, ...problemResponses(413) },
      },
    },
    async (request) => {
      const now = await deps.clock();
      const { sentAt, receipts: items } = request.body;
      const { receipts, answers } = readReceipts(deps.messageMac, items, { now, sentAt });
      const results = await record({ now, appId: appIdOf(request), receipts });
      for (const [index, result] of results) answers.set(index, { index, result });
      const all = items.flatMap((_, index) => answers.get(index) ?? []);
      const accepted = all.filter((one) => 'result' in one && ACCEPTED.includes(one.result)).length;
      return { accepted, results: all };
    },
  );
}
