import { createPrivateKey } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { SignJWT } from 'jose';
import { z } from 'zod';
import type { FcmCredential } from '../../domain/pushes/credentials.ts';
import type { Outcome } from '../../domain/pushes/outcome.ts';
import type { Clock } from '../clock.ts';
import { troubleOf } from '../h2/trouble.ts';
import type { Endpoint } from '../push-service.ts';
import { postForm } from './https-post.ts';

const SCOPE = 'https://www.googleapis.com/auth/firebase.messaging';
const GRANT = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const ASSERTION_SECONDS = 3600;
const RENEW_BEFORE_MS = 5 * 60_000;
/** How long no token is requested after a failure. */
const RETRY_MS = 1_000;
/** How long messages wait for the first token. The request for the token goes on. */
const FIRST_TOKEN_TIMEOUT_MS = 1_000;

const Granted = z.object({
  access_token: z.string().regex(/^[\x21-\x7e]+$/),
  expires_in: z.number().positive(),
});

export type Grant =
  | { readonly kind: 'granted'; readonly accessToken: string; readonly expiresAt: number }
  | Extract<Outcome, { kind: 'refused' | 'retry_later' }>;

/** Holds the OAuth access token of a service account. Only one request for a token is open at a time. */
export class FcmTokens {
  readonly #credential: FcmCredential;
  readonly #endpoint: Endpoint;
  readonly #clock: Clock;
  readonly #key;
  #grant: Promise<Grant> | undefined;
  /** When the present grant is to be replaced. */
  #renewAt = 0;
  #expiresAt = 0;
  /** Why the endpoint cannot be reached, until it answers. */
  trouble: string | undefined;

  constructor(credential: FcmCredential, endpoint: Endpoint, clock: Clock) {
    this.#credential = credential;
    this.#endpoint = endpoint;
    this.#clock = clock;
    this.#key = createPrivateKey(credential.private_key);
  }

  current(): Promise<Grant> {
    const now = this.#clock().getTime();
    if (this.#grant !== undefined && now < this.#renewAt) return this.#grant;
    this.#renewAt = Number.POSITIVE_INFINITY;
    const renewed = this.#renew(this.#grant);
    if (this.#grant === undefined || now >= this.#expiresAt) {
      this.#grant = Promise.race([renewed, delay(FIRST_TOKEN_TIMEOUT_MS, UNAVAILABLE, { ref: false })]);
    }
    // The present grant serves until the new one has arrived.
    void renewed.then(() => {
      this.#grant = renewed;
    });
    return this.#grant;
  }

  /** Drops a token that FCM rejected. */
  async forget(accessToken: string): Promise<void> {
    const held = this.#grant;
    const grant = await held;
    if (grant?.kind !== 'granted' || grant.accessToken !== accessToken) return;
    if (this.#grant === held) this.#grant = undefined;
  }

  async #renew(previous: Promise<Grant> | undefined): Promise<Grant> {
    const grant = await this.#ask();
    const now = this.#clock().getTime();
    if (grant.kind === 'granted') {
      this.#expiresAt = grant.expiresAt;
      this.#renewAt = Math.max(now + RETRY_MS, grant.expiresAt - RENEW_BEFORE_MS);
      return grant;
    }
    this.#renewAt = now + RETRY_MS;
    const old = await previous;
    return old?.kind === 'granted' && old.expiresAt > now ? old : grant;
  }

  async #ask(): Promise<Grant> {
    const askedAt = this.#clock();
    try {
      const assertion = await this.#assertion(askedAt);
      const { status, body } = await postForm(
        this.#endpoint,
        new URLSearchParams({ grant_type: GRANT, assertion }),
      );
      this.trouble = undefined;
      if (status === 200) return granted(body, askedAt);
      if (status >= 400 && status < 500 && status !== 408 && status !== 429) return REFUSED;
    } catch (error) {
      this.trouble = troubleOf(this.#endpoint, error);
      return UNAVAILABLE;
    }
    return UNAVAILABLE;
  }

  #assertion(now: Date): Promise<string> {
    const iat = Math.floor(now.getTime() / 1000);
    const { client_email, private_key_id } = this.#credential;
    return new SignJWT({ scope: SCOPE })
      .setProtectedHeader({
        alg: 'RS256',
        typ: 'JWT',
        ...(private_key_id === undefined ? {} : { kid: private_key_id }),
      })
      .setIssuer(client_email)
      .setAudience(this.#endpoint.url.href)
      .setIssuedAt(iat)
      .setExpirationTime(iat + ASSERTION_SECONDS)
      .sign(this.#key);
  }
}

const REFUSED = { kind: 'refused', reason: 'OAuthRefused', fault: 'credential' } as const;
const UNAVAILABLE = {
  kind: 'retry_later',
  reason: 'OAuthUnavailable',
  afterMs: RETRY_MS,
  answered: false,
} as const;

function granted(body: string, askedAt: Date): Grant {
  const { access_token, expires_in } = Granted.parse(JSON.parse(body));
  return { kind: 'granted', accessToken: access_token, expiresAt: askedAt.getTime() + expires_in * 1000 };
}
