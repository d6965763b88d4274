import { createPrivateKey } from 'node:crypto';
import { z } from 'zod';
import { listCredentials, putCredential, type SealedCredential } from '../../db/credentials.ts';
import { ApnsCredential, checkedCredentials, FcmCredential } from '../../domain/credentials.ts';
import { CHANNELS, type Channel } from '../../domain/platform.ts';
import type { App } from '../app.ts';
import { personOf } from '../auth.ts';
import type { ApiDeps } from '../deps.ts';
import { PERSON } from '../openapi.ts';
import { problemResponses } from '../problem.ts';
import { IsoDate } from '../schemas.ts';

const CREDENTIALS = checkedCredentials(createPrivateKey);

/** Of the credential only what names it. */
const Credential = z
  .object({ channel: z.enum(CHANNELS), identity: z.string(), version: z.number(), updatedAt: IsoDate })
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
        return describe(deps, await putCredential(deps.db, { appId, channel, sealed, now }));
      },
    );
  }

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

function describe({ vault }: ApiDeps, { channel, sealed, version, updatedAt }: SealedCredential) {
  return { channel, identity: identityOf(channel, vault.open(sealed)), version, updatedAt };
}

function identityOf(channel: Channel, text: string): string {
  const json: unknown = JSON.parse(text);
  if (channel === 'fcm') return FcmCredential.parse(json).client_email;
  const { teamId, keyId, topic } = ApnsCredential.parse(json);
  return `${teamId} / ${keyId} / ${topic}`;
}
