import { createPublicKey, createSecretKey, type KeyObject } from 'node:crypto';
import { decodeProtectedHeader, errors, type JWTPayload, jwtVerify } from 'jose';
import { listUserTokenKeys, type UserTokenKey } from '../../db/apps/user-token-keys.ts';
import { EXTERNAL_ID } from '../../domain/devices/device.ts';
import type { ApiDeps } from '../http/deps.ts';
import { Problem } from '../http/problem.ts';

/** The allowed clock skew of the app's backend. */
const TOLERANCE_S = 30;

/**
 * The ID of the user that the app's backend says is signed in on the device. Throws a Problem that says what is wrong
 * with the token.
 */
export async function userOfToken(
  { db, vault, clock }: ApiDeps,
  device: { appId: string; deviceId: string },
  token: string,
): Promise<string> {
  const key = keyFor(token, await listUserTokenKeys(db, device.appId));
  const payload = await verify(token, keyObject(key, vault.open(key.sealed)), {
    algorithms: [key.alg],
    audience: device.appId,
    currentDate: await clock(),
    clockTolerance: TOLERANCE_S,
    requiredClaims: ['exp', 'sub'],
  });
  const { sub, device_id: boundTo } = payload;
  if (boundTo !== undefined && boundTo !== device.deviceId)
    throw refused('names another device in "device_id"');
  if (sub === undefined || !EXTERNAL_ID.test(sub)) {
    throw refused('must have a user ID in "sub": 1 to 200 characters without spaces or invisible characters');
  }
  return sub;
}

/** Throws an error that says why the text is not a key of that algorithm. */
export function keyObject({ alg }: Pick<UserTokenKey, 'alg'>, text: string): KeyObject {
  if (alg === 'HS256') return createSecretKey(Buffer.from(text, 'utf8'));
  if (!text.includes('-----BEGIN PUBLIC KEY-----')) throw new Error('must be a public key in PEM (SPKI)');
  const key = createPublicKey(text);
  const { namedCurve, modulusLength = 0 } = key.asymmetricKeyDetails ?? {};
  if (alg === 'ES256' && namedCurve !== 'prime256v1') throw new Error('must be a key of the curve P-256');
  if (alg === 'RS256' && (key.asymmetricKeyType !== 'rsa' || modulusLength < 2048)) {
    throw new Error('must be an RSA key of 2048 bits or more');
  }
  return key;
}

/** Finds the key by the token's `kid`. A token without `kid` needs an app with a single key. */
function keyFor(token: string, keys: readonly UserTokenKey[]): UserTokenKey {
  if (keys.length === 0) throw refused('cannot be verified: the app has no user token key; add one first');
  const kid = keyIdOf(token);
  const found = kid === undefined && keys.length === 1 ? keys[0] : keys.find(({ keyId }) => keyId === kid);
  if (found === undefined) throw refused('must name a key of the app as "kid" in its header');
  return found;
}

function keyIdOf(token: string): string | undefined {
  try {
    return decodeProtectedHeader(token).kid;
  } catch {
    throw refused('is not a signed JWT');
  }
}

async function verify(
  token: string,
  key: KeyObject,
  options: Parameters<typeof jwtVerify>[2],
): Promise<JWTPayload> {
  try {
    return (await jwtVerify(token, key, options)).payload;
  } catch (error) {
    if (!(error instanceof errors.JOSEError)) throw error;
    throw refused(reasonOf(error));
  }
}

function reasonOf(error: errors.JOSEError): string {
  if (error instanceof errors.JWTExpired) return 'has expired';
  if (error instanceof errors.JWTClaimValidationFailed) {
    if (error.reason === 'missing') return `lacks the claim "${error.claim}"`;
    return error.claim === 'aud'
      ? 'is not for this app: "aud" must be the app ID'
      : `has an invalid claim "${error.claim}"`;
  }
  if (error instanceof errors.JOSEAlgNotAllowed) return 'is not signed with the algorithm of its key';
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'has an invalid signature';
  return 'is not a signed JWT';
}

function refused(why: string): Problem {
  return new Problem('invalid_user_token', `The user token ${why}`);
}
