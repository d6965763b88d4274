import { createPrivateKey } from 'node:crypto';
import { z } from 'zod';
import { type ListedCredential, listCredentials, putCredential } from '../../db/apps/credentials.ts';
import { credentialRate, putRate } from '../../db/ledger/rates.ts';
import { CHANNELS, type Channel } from '../../domain/platform.ts';
import { ApnsCredential, checkedCredentials, FcmCredential } from '../../domain/pushes/credentials.ts';
import { RatePerSecond } from '../../domain/tasks/task-definition.ts';
import { AUDIT_ACTIONS, recordAuditEntry } from '../access/audit-actions.ts';
import { personOf } from '../access/auth.ts';
import { route } from '../access/route.ts';
import type { ApiDeps, App } from '../http/deps.ts';
import { notFound } from '../http/problem.ts';
import { IsoDate } from '../http/schemas.ts';
import { CREDENTIAL_EXAMPLES } from './credential-examples.ts';

const CREDENTIALS = checkedCredentials(createPrivateKey);

const OPERATION_OF = { apns: 'putApnsCredential', fcm: 'putFcmCredential' } as const;

/** A credential without its secrets. */
const Credential = z
  .object({
    channel: z.enum(CHANNELS),
    identity: z.string(),
    version: z.number(),
    updatedAt: IsoDate,
    /** Requests per second across all senders, or null for as fast as the push service accepts. */
    ratePerSecond: z.number().nullable(),
  })
  .meta({ id: 'Credential' });

export async function credentialRoutes(app: App, deps: ApiDeps): Promise<void> {
  for (const channel of CHANNELS) putCredentialRoute(app, deps, channel);
  setCredentialRateRoute(app, deps);
  listCredentialsRoute(app, deps);
}

function putCredentialRoute(app: App, deps: ApiDeps, channel: Channel): void {
  const operationId = OPERATION_OF[channel];
  route(app, {
    method: 'PUT',
    path: `/v1/app/credentials/${channel}`,
    access: 'credentials.change',
    audit: AUDIT_ACTIONS[operationId],
    schema: {
      operationId,
      summary: `Set the credential of ${channel === 'apns' ? 'APNs' : 'FCM'}`,
      tags: ['credentials'],
      example: CREDENTIAL_EXAMPLES[channel],
      body: CREDENTIALS[channel],
      response: { 200: Credential },
    },
    problems: [413, 415],
    handler: async (request) => {
      const { appId } = personOf(request);
      const sealed = deps.vault.seal(JSON.stringify(request.body));
      const now = await deps.clock();
      return await deps.db.transaction().execute(async (trx) => {
        await putCredential(trx, { appId, channel, sealed, now });
        const stored = await findCredential({ ...deps, db: trx }, appId, channel);
        const detail = `${channel}: ${stored.identity}, version ${stored.version}`;
        await recordAuditEntry(trx, request, { detail, now });
        return stored;
      });
    },
  });
}

function setCredentialRateRoute(app: App, deps: ApiDeps): void {
  route(app, {
    method: 'PUT',
    path: '/v1/app/credentials/:channel/rate',
    access: 'credentials.change',
    audit: AUDIT_ACTIONS.setCredentialRate,
    schema: {
      operationId: 'setCredentialRate',
      summary: 'Set the rate limit of a push service',
      example: { ratePerSecond: 1000 },
      tags: ['credentials'],
      description:
        'Limits the rate across all tasks and workers. Running senders apply the limit within a moment.',
      params: z.object({ channel: z.enum(CHANNELS) }),
      body: z.strictObject({ ratePerSecond: RatePerSecond }),
      response: { 200: Credential },
    },
    problems: [404, 413, 415],
    handler: async (request) => {
      const { appId } = personOf(request);
      const { channel } = request.params;
      const { ratePerSecond: perSecond } = request.body;
      const now = await deps.clock();
      return await deps.db.transaction().execute(async (trx) => {
        const within = { ...deps, db: trx };
        await findCredential(within, appId, channel);
        await putRate(trx, { key: credentialRate(appId, channel), perSecond, now });
        await recordAuditEntry(trx, request, { detail: `${channel}: ${perSecond ?? 'no limit'}`, now });
        return await findCredential(within, appId, channel);
      });
    },
  });
}

function listCredentialsRoute(app: App, deps: ApiDeps): void {
  route(app, {
    method: 'GET',
    path: '/v1/app/credentials',
    access: 'credentials.read',
    schema: {
      operationId: 'listCredentials',
      summary: 'List credentials without their secrets',
      tags: ['credentials'],
      response: { 200: z.object({ items: z.array(Credential) }) },
    },
    handler: async (request) => {
      const credentials = await listCredentials(deps.db, personOf(request).appId);
      return { items: credentials.map((credential) => describe(deps, credential)) };
    },
  });
}

async function findCredential(deps: ApiDeps, appId: string, channel: Channel) {
  const found = (await listCredentials(deps.db, appId)).find((credential) => credential.channel === channel);
  if (found === undefined) throw notFound('credential');
  return describe(deps, found);
}

function describe({ vault }: ApiDeps, { channel, sealed, ...rest }: ListedCredential) {
  return { channel, identity: identityOf(channel, vault.open(sealed)), ...rest };
}

function identityOf(channel: Channel, text: string): string {
  const json: unknown = JSON.parse(text);
  if (channel === 'fcm') return FcmCredential.parse(json).client_email;
  const { teamId, keyId, topic } = ApnsCredential.parse(json);
  return `${teamId} / ${keyId} / ${topic}`;
}
