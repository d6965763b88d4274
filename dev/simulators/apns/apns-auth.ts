import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { z } from 'zod';
import type { SimulatorConfig } from '../config.ts';
import { jwtPart } from '../read.ts';

const MAX_AGE_SECONDS = 3600;
const MAX_AHEAD_SECONDS = 300;
const LEAST_CHANGE_SECONDS = 20 * 60;
const MAX_KNOWN_TOKENS = 1000;

const Header = z.object({ alg: z.literal('ES256'), kid: z.string() });
const Claims = z.object({ iss: z.string(), iat: z.number().int() });

interface Key {
  readonly teamId: string;
  readonly publicKey: KeyObject;
  readonly topics: ReadonlySet<string>;
  /** The newest issue date that was taken. */
  issuedAt: number;
}

export interface Provider {
  readonly key: Key;
  readonly issuedAt: number;
}

export type AuthFault =
  | 'MissingProviderToken'
  | 'InvalidProviderToken'
  | 'ExpiredProviderToken'
  | 'TooManyProviderTokenUpdates';

/** Checks provider tokens as APNs does; each text is verified once. */
export class ApnsAuth {
  readonly #keys: ReadonlyMap<string, Key>;
  readonly #known = new Map<string, Provider | undefined>();

  constructor(keys: SimulatorConfig['apns']['keys']) {
    this.#keys = new Map(
      keys.map(({ teamId, keyId, publicKey, topics }) => [
        keyId,
        { teamId, publicKey: createPublicKey(publicKey), topics: new Set(topics), issuedAt: 0 },
      ]),
    );
  }

  check(authorization: string | undefined): Provider | AuthFault {
    if (authorization === undefined) return 'MissingProviderToken';
    if (!/^bearer /i.test(authorization)) return 'MissingProviderToken';
    const provider = this.#verified(authorization.slice('bearer '.length));
    if (provider === undefined) return 'InvalidProviderToken';
    const age = Date.now() / 1000 - provider.issuedAt;
    if (age > MAX_AGE_SECONDS) return 'ExpiredProviderToken';
    if (age < -MAX_AHEAD_SECONDS) return 'InvalidProviderToken';
    const change = Math.abs(provider.issuedAt - provider.key.issuedAt);
    if (change > 0 && change < LEAST_CHANGE_SECONDS) return 'TooManyProviderTokenUpdates';
    provider.key.issuedAt = Math.max(provider.key.issuedAt, provider.issuedAt);
    return provider;
  }

  #verified(token: string): Provider | undefined {
    if (this.#known.has(token)) return this.#known.get(token);
    if (this.#known.size >= MAX_KNOWN_TOKENS) this.#known.clear();
    const provider = this.#verify(token);
    this.#known.set(token, provider);
    return provider;
  }

  #verify(token: string): Provider | undefined {
    const [header = '', claims = '', signature = '', ...more] = token.split('.');
    const { data: parsedHeader } = Header.safeParse(jwtPart(header));
    const { data: parsedClaims } = Claims.safeParse(jwtPart(claims));
    const key = parsedHeader && this.#keys.get(parsedHeader.kid);
    if (more.length > 0 || !parsedClaims || !key || key.teamId !== parsedClaims.iss) return undefined;
    const good = verify(
      'sha256',
      Buffer.from(`${header}.${claims}`),
      { key: key.publicKey, dsaEncoding: 'ieee-p1363' },
      Buffer.from(signature, 'base64url'),
    );
    return good ? { key, issuedAt: parsedClaims.iat } : undefined;
  }
}
