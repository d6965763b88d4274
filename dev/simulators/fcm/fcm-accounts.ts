import { createPublicKey, type KeyObject, randomBytes, verify } from 'node:crypto';
import { z } from 'zod';
import type { SimulatorConfig } from '../config.ts';
import { jwtPart } from '../read.ts';

const SCOPES = /(^| )https:\/\/www\.googleapis\.com\/auth\/(firebase\.messaging|cloud-platform)( |$)/;
const MAX_LIFE_SECONDS = 3600;
const SKEW_SECONDS = 300;

const Header = z.object({ alg: z.literal('RS256') });
const Claims = z.object({
  iss: z.string(),
  aud: z.string(),
  scope: z.string(),
  iat: z.number(),
  exp: z.number(),
});

interface Account {
  readonly projectId: string;
  readonly publicKey: KeyObject;
}

/** The service accounts of a simulated Google, and the access tokens that they were given. */
export class FcmAccounts {
  readonly #accounts: ReadonlyMap<string, Account>;
  readonly #lifeSeconds: number;
  readonly #granted = new Map<string, { readonly projectId: string; readonly expiresAt: number }>();

  constructor(config: SimulatorConfig['fcm']) {
    this.#lifeSeconds = config.accessTokenSeconds;
    this.#accounts = new Map(
      config.accounts.map(({ clientEmail, projectId, publicKey }) => [
        clientEmail,
        { projectId, publicKey: createPublicKey(publicKey) },
      ]),
    );
  }

  /** Access tokens given out so far. */
  grants = 0;

  /** An access token for a signed assertion, or the fault of the assertion. */
  grant(
    assertion: string,
    audience: string,
  ): { readonly accessToken: string; readonly expiresIn: number } | string {
    const [header = '', claims = '', signature = ''] = assertion.split('.');
    if (!Header.safeParse(jwtPart(header)).success) return 'Invalid JWT header.';
    const { data } = Claims.safeParse(jwtPart(claims));
    if (data === undefined) return 'Invalid JWT: required claims are missing.';
    const account = this.#accounts.get(data.iss);
    if (account === undefined) return 'Invalid grant: account not found';
    const signed = Buffer.from(`${header}.${claims}`);
    if (!verify('sha256', signed, account.publicKey, Buffer.from(signature, 'base64url'))) {
      return 'Invalid JWT Signature.';
    }
    const now = Date.now() / 1000;
    if (data.aud !== audience) return `Invalid JWT: the audience must be ${audience}.`;
    if (!SCOPES.test(data.scope)) return 'Invalid OAuth scope or ID token audience provided.';
    const inTime = data.exp > now && data.iat < now + SKEW_SECONDS && data.exp - data.iat <= MAX_LIFE_SECONDS;
    if (!inTime)
      return 'Invalid JWT: Token must be a short-lived token (60 minutes) in a reasonable timeframe.';
    this.grants++;
    const accessToken = `ya29.${randomBytes(48).toString('base64url')}`;
    this.#granted.set(accessToken, {
      projectId: account.projectId,
      expiresAt: Date.now() + this.#lifeSeconds * 1000,
    });
    return { accessToken, expiresIn: this.#lifeSeconds };
  }

  /** The project that a bearer may send for. */
  projectOf(authorization: string | undefined): string | undefined {
    if (authorization === undefined || !/^bearer /i.test(authorization)) return undefined;
    const granted = this.#granted.get(authorization.slice('bearer '.length));
    return granted !== undefined && Date.now() < granted.expiresAt ? granted.projectId : undefined;
  }

  /** Makes every access token invalid at once. */
  revokeTokens(): void {
    this.#granted.clear();
  }
}
