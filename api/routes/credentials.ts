import { createPrivateKey } from 'node:crypto';
import { z } from 'zod';
import { type ListedCredential, listCredentials, putCredential } from '../../db/credentials.ts';
import { credentialRate, putRate } from '../../db/rates.ts';
import { ApnsCredential, checkedCredentials, FcmCredential } from '../../domain/credentials.ts';
import { CHANNELS, type Channel } from '../../domain/platform.ts';
import { RatePerSecond } from '../../domain/task-definition.ts';
import { recordAuditEntry } from '../audit-actions.ts';
import { personOf } from '../auth.ts';
import type { ApiDeps, App } from '../deps.ts';
import { PERSON } from '../openapi.ts';
import { notFound, problemResponses } from '../problem.ts';
import { IsoDate } from '../schemas.ts';

const CREDENTIALS = checkedCredentials(createPrivateKey);

/** Of the credential only what names it. */
const Credential = z
  .object({
    channel: z.enum(CHANNELS),
    identity: z.string(),
    version: z.number(),
    updatedAt: IsoDate,
    /** Requests per second of all senders together; null is as fast as the push service takes them. */
    ratePerSecond: z.number().nullable(),
  })
  .meta({ id: 'Credential' });

export async function credentialRoutes(app: App, deps: ApiDeps): Promise<void> {
  for (const channel of CHANNELS) {
    app.put(
      `/v1/app/credentials/${channel}`,
      {
        onRequest: app.guard.may('credentials.change'),
        schema: {
          ...PERSON,
          operationId: `put${channel === 'apns' ? 'Apns' : 'Fcm'}Credential`,
          body: CREDENTIALS[channel],
          response: { 200: Credential, ...problemResponses(413, 415) },
        },
      },
      async (request) => {
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
    );
  }

  app.put(
    '/v1/app/credentials/:channel/rate',
    {
      onRequest: app.guard.may('credentials.change'),
      schema: {
        ...PERSON,
        operationId: 'setCredentialRate',
        description:
          'A limit for all tasks and all workers together; senders under way obey it within a moment.',
        params: z.object({ channel: z.enum(CHANNELS) }),
        body: z.strictObject({ ratePerSecond: RatePerSecond }),
        response: { 200: Credential, ...problemResponses(404, 413, 415) },
      },
    },
    async (request) => {
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
  );

  app.get(
    '/v1/app/credentials',
    {
      onRequest: app.guard.may('credentials.read'),
      schema: {
        ...PERSON,
        operationId: 'listCredentials',
        response: { 200: z.object({ items: z.array(Credential) }), ...problemResponses() },
      },
    },
    async (request) => {
      const credentials = await listCredentials(deps.db, personOf(request).appId);
      return { items: credentials.map((credential) => describe(deps, credential)) };
    },
  );
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
