import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { text as bodyText } from 'node:stream/consumers';
import type { ServerIdentity } from '../certificate.ts';
import type { Switches } from '../config.ts';
import { listen } from '../listen.ts';
import type { FcmAccounts } from './fcm-accounts.ts';

const GRANT = 'urn:ietf:params:oauth:grant-type:jwt-bearer';

export interface OAuthServer {
  readonly url: string;
  close(): Promise<void>;
}

/** Google's token endpoint: takes the signed assertion of a service account. */
export async function openOAuthServer(
  identity: ServerIdentity,
  port: number,
  accounts: FcmAccounts,
  switches: Switches,
): Promise<OAuthServer> {
  const server = createServer({ key: identity.key, cert: identity.cert }, (request, response) => {
    const answer = (status: number, body: unknown) => {
      response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' });
      response.end(JSON.stringify(body));
    };
    bodyText(request).then(
      (body) => {
        if (request.method !== 'POST' || request.url !== '/token') {
          return answer(404, { error: 'not_found' });
        }
        const form = new URLSearchParams(body);
        if (form.get('grant_type') !== GRANT) return answer(400, { error: 'unsupported_grant_type' });
        const granted = switches.credentialRevoked
          ? 'Invalid JWT Signature.'
          : accounts.grant(form.get('assertion') ?? '', url);
        if (typeof granted === 'string') {
          return answer(400, { error: 'invalid_grant', error_description: granted });
        }
        answer(200, {
          access_token: granted.accessToken,
          expires_in: granted.expiresIn,
          token_type: 'Bearer',
        });
      },
      () => request.destroy(),
    );
  });
  const close = await listen(server, port, identity.host);
  const url = `https://${identity.host}:${(server.address() as AddressInfo).port}/token`;
  return {
    url,
    close,
  };
}
