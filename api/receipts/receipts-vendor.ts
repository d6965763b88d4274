import { isUtf8 } from 'node:buffer';
import { z } from 'zod';
import { findVendorKey } from '../../db/apps/vendor-keys.ts';
import { insertCallback } from '../../db/receipts/receipt-inbox.ts';
import { verifyWebhook } from '../../security/standard-webhooks.ts';
import { AUDIT_ACTIONS } from '../access/audit-actions.ts';
import { route } from '../access/route.ts';
import type { ApiDeps, App } from '../http/deps.ts';
import { Problem } from '../http/problem.ts';
import { createGate } from './receipt-gate.ts';
import { startInboxReader } from './receipt-inbox-reader.ts';
import { RECEIPTS_EXAMPLE } from './receipts-example.ts';

const MAX_WAITING_BYTES = 16 * 1_048_576;

const Headers = z.object({
  /** The unique ID of a callback. A repeated ID has no effect. */
  'webhook-id': z.string().regex(/^[\x21-\x7e]{1,200}$/, 'must be 1 to 200 visible ASCII characters'),
  'webhook-timestamp': z.string().max(20),
  'webhook-signature': z.string().max(2_000),
});

/** Callbacks of vendors are signed. Each callback is stored unread, answered, and read afterwards. */
export async function vendorReceiptRoutes(app: App, deps: ApiDeps): Promise<void> {
  const gate = createGate(MAX_WAITING_BYTES);
  const inbox = startInboxReader(app, deps);
  // The signature covers the bytes of the body, so the body must not be parsed.
  app.removeContentTypeParser('application/json');
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) =>
    done(null, body),
  );

  route(app, {
    method: 'POST',
    path: '/v1/callbacks/:keyId/receipts',
    access: 'vendor',
    onRequest: gate.admit,
    audit: AUDIT_ACTIONS.takeVendorReceipts,
    schema: {
      operationId: 'takeVendorReceipts',
      summary: 'Report receipts as a vendor',
      example: RECEIPTS_EXAMPLE,
      tags: ['receipts'],
      description:
        'The body is that of POST /v1/receipts, signed with a vendor key as standardwebhooks.com defines. ' +
        'The callback is stored before the answer and read right after.',
      params: z.object({ keyId: z.string().max(100) }),
      headers: Headers,
      response: { 202: z.object({ stored: z.literal(true) }) },
    },
    problems: [413, 415],
    handler: async (request, reply) => {
      const { keyId } = request.params;
      const { 'webhook-id': callbackId, ...signed } = request.headers;
      const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
      const now = await deps.clock();
      const key = await findVendorKey(deps.db, keyId);
      const callback = {
        id: callbackId,
        body,
        timestamp: signed['webhook-timestamp'],
        signatures: signed['webhook-signature'],
      };
      if (key === undefined || !verifyWebhook(deps.vault.open(key.sealed), callback, now)) {
        throw new Problem(
          'unauthorized',
          'The callback is not signed with this key, or its timestamp is too far from now',
        );
      }
      const text = textOf(body);
      await insertCallback(deps.db, { keyId, appId: key.appId, callbackId, body: text, now });
      inbox.wake();
      return reply.code(202).send({ stored: true });
    },
  });
}

function textOf(body: Buffer): string {
  if (isUtf8(body) && !body.includes(0)) return body.toString('utf8');
  throw new Problem('invalid_request', 'The body is not UTF-8 text');
}
