import { createPrivateKey } from 'node:crypto';
import { SignJWT } from 'jose';
import type { ApnsCredential } from '../../domain/pushes/credentials.ts';
import type { Clock } from '../clock.ts';

/** Lies between the 20 minutes below which APNs refuses a change and the 60 minutes of a token's life. */
const BUCKET_SECONDS = 30 * 60;
/** Keeps `iat` in the past for a service whose clock is behind ours. */
const SKEW_SECONDS = 60;

/** The issue time of the present token, the same on every worker because APNs wants one token at a time. */
export function issuedAt(now: Date): number {
  const seconds = Math.floor(now.getTime() / 1000) - SKEW_SECONDS;
  return seconds - (seconds % BUCKET_SECONDS);
}

/** Signs the provider token of a credential once per half hour. */
export class ApnsTokens {
  readonly #credential: ApnsCredential;
  readonly #clock: Clock;
  readonly #key;
  #issuedAt = 0;
  #token: Promise<string> | undefined;

  constructor(credential: ApnsCredential, clock: Clock) {
    this.#credential = credential;
    this.#clock = clock;
    this.#key = createPrivateKey(credential.privateKey);
  }

  current(): Promise<string> {
    const now = issuedAt(this.#clock());
    if (this.#token !== undefined && now === this.#issuedAt) return this.#token;
    this.#issuedAt = now;
    this.#token = this.#sign(now);
    return this.#token;
  }

  /** Drops a token that APNs considers expired. The next token is that of the present half hour. */
  forget(token: string): Promise<void> {
    return this.current().then((current) => {
      if (current === token) this.#token = undefined;
    });
  }

  #sign(iat: number): Promise<string> {
    return new SignJWT()
      .setProtectedHeader({ alg: 'ES256', kid: this.#credential.keyId })
      .setIssuer(this.#credential.teamId)
      .setIssuedAt(iat)
      .sign(this.#key);
  }
}
