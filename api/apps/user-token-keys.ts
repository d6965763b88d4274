import { z } from 'zod';
import {
  deleteUserTokenKey,
  listUserTokenKeys,
  MAX_USER_TOKEN_KEYS,
  putUserTokenKey,
} from '../../db/apps/user-token-keys.ts';
import { AUDIT_ACTIONS, recordAuditEntry } from '../access/audit-actions.ts';
import { personOf } from '../access/auth.ts';
import { route } from '../access/route.ts';
import { invalid } from '../devices/device-change.ts';
import { keyObject } from '../devices/user-token.ts';
import type { ApiDeps, App } from '../http/deps.ts';
import { notFound, Problem } from '../http/problem.ts';
import { IsoDate } from '../http/schemas.ts';

const params = z.object({
  keyId: z.string().regex(/^[A-Za-z0-9_.-]{1,100}$/, 'must be 1 to 100 characters of A-Z a-z 0-9 _ . -'),
});

const NewKey = z
  .discriminatedUnion('alg', [
    z.strictObject({
      alg: z.literal('HS256'),
      secret: z.string().min(32).max(1000).describe('The UTF-8 bytes of this text are the key'),
    }),
    z.strictObject({
      alg: z.enum(['ES256', 'RS256']),
      publicKey: z.string().max(10_000).describe('PEM (SPKI)'),
    }),
  ])
  .meta({ id: 'NewUserTokenKey' });

const Key = z
  .object({ keyId: z.string(), alg: z.enum(['HS256', 'ES256', 'RS256']), createdAt: IsoDate })
  .meta({ id: 'UserTokenKey' });

/** Keys with which the app's own backend signs which user is signed in on a device. */
export async function userTokenKeyRoutes(app: App, deps: ApiDeps): Promise<void> {
  putting(app, deps);
  reading(app, deps);
  deleting(app, deps);
}

function putting(app: App, deps: ApiDeps): void {
  route(app, {
    method: 'PUT',
    path: '/v1/app/user-token-keys/:keyId',
    access: 'credentials.change',
    audit: AUDIT_ACTIONS.putUserTokenKey,
    schema: {
      operationId: 'putUserTokenKey',
      summary: 'Add or replace a key that verifies user tokens',
      tags: ['users'],
      example: { alg: 'HS256', secret: 'a secret that only your own backend knows' },
      description: `To rotate, add a key under a new ID, sign with it, then delete the old one. An app has at most ${MAX_USER_TOKEN_KEYS} keys.`,
      params,
      body: NewKey,
      response: { 200: Key },
    },
    problems: [409, 413, 415],
    handler: async (request) => {
      const { keyId } = request.params;
      const { appId } = personOf(request);
      const { alg } = request.body;
      const now = await deps.clock();
      const sealed = deps.vault.seal(checkedKey(request.body));
      await deps.db.transaction().execute(async (trx) => {
        if (!(await putUserTokenKey(trx, { appId, keyId, alg, sealed, now }))) {
          throw new Problem('conflict', `An app has at most ${MAX_USER_TOKEN_KEYS} keys; delete one first`);
        }
        await recordAuditEntry(trx, request, { detail: `${keyId}: ${alg}`, now });
      });
      return { keyId, alg, createdAt: now };
    },
  });
}

function checkedKey(body: z.infer<typeof NewKey>): string {
  if (body.alg === 'HS256') return body.secret;
  try {
    keyObject(body, body.publicKey);
  } catch (error) {
    const isOurs = error instanceof Error && error.message.startsWith('must be');
    throw invalid([
      { pointer: '/publicKey', detail: isOurs ? error.message : 'must be a public key in PEM (SPKI)' },
    ]);
  }
  return body.publicKey;
}

function reading(app: App, deps: ApiDeps): void {
  route(app, {
    method: 'GET',
    path: '/v1/app/user-token-keys',
    access: 'credentials.read',
    schema: {
      operationId: 'listUserTokenKeys',
      summary: 'List the keys that verify user tokens',
      tags: ['users'],
      response: { 200: z.object({ items: z.array(Key) }) },
    },
    handler: async (request) => {
      const keys = await listUserTokenKeys(deps.db, personOf(request).appId);
      return { items: keys.map(({ keyId, alg, createdAt }) => ({ keyId, alg, createdAt })) };
    },
  });
}

function deleting(app: App, deps: ApiDeps): void {
  route(app, {
    method: 'DELETE',
    path: '/v1/app/user-token-keys/:keyId',
    access: 'credentials.change',
    audit: AUDIT_ACTIONS.deleteUserTokenKey,
    schema: {
      operationId: 'deleteUserTokenKey',
      summary: 'Delete a key that verifies user tokens',
      tags: ['users'],
      params,
      response: { 204: z.null() },
    },
    problems: [404],
    handler: async (request, reply) => {
      const { keyId } = request.params;
      const now = await deps.clock();
      await deps.db.transaction().execute(async (trx) => {
        const isDeleted = await deleteUserTokenKey(trx, personOf(request).appId, keyId);
        if (!isDeleted) throw notFound('key');
        await recordAuditEntry(trx, request, { detail: keyId, now });
      });
      return reply.code(204).send(null);
    },
  });
}
