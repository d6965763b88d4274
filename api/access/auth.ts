import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { findCaller, type KeyOwner } from '../../db/apps/keys.ts';
import { createBoundedMap } from '../../domain/bounded-map.ts';
import type { Role } from '../../domain/role.ts';
import type { ApiDeps } from '../http/deps.ts';
import { Problem } from '../http/problem.ts';
import { createFailureLimit } from './failure-limit.ts';
import { isPermitted, type Permission, rolesOf } from './permissions.ts';

export interface PersonCaller {
  readonly kind: 'person';
  readonly keyId: string;
  readonly appId: string;
  readonly personId: string;
  readonly role: Role;
}
export interface SdkCaller {
  readonly kind: 'sdk';
  readonly keyId: string;
  readonly appId: string;
}
export interface AdminCaller {
  readonly kind: 'admin';
}
export type Caller = PersonCaller | SdkCaller | AdminCaller;

export type Guard = (request: FastifyRequest) => Promise<void>;

export interface Guards {
  /** A person whose role has the permission. */
  may(permission: Permission): Guard;
  readonly sdk: Guard;
  /** An SDK key, or a person whose role has the permission. */
  sdkOr(permission: Permission): Guard;
  readonly admin: Guard;
  /**
   * Empties the cache of keys, so that this process refuses a revoked key at once. Other processes refuse it when
   * their caches expire.
   */
  forget(): void;
}

declare module 'fastify' {
  interface FastifyInstance {
    guard: Guards;
  }
  interface FastifyRequest {
    caller: Caller | null;
  }
}

/** Guards run as `onRequest` of a route, before the body is read. */
export function createGuards(deps: ApiDeps): Guards {
  const limit = createFailureLimit();
  const find = cachedLookup(deps, limit);
  const adminHash = sha256(deps.config.adminKey);
  // Hashing makes the lengths equal, so that the comparison reveals nothing about the key.
  const isAdmin = (request: FastifyRequest) => timingSafeEqual(sha256(bearerOf(request)), adminHash);
  const refuseAdmin = (request: FastifyRequest, needed: string) => {
    if (!isAdmin(request)) return;
    limit.check(request.ip);
    throw wrongKey(needed, 'the admin key');
  };
  const admit = (request: FastifyRequest, owner: KeyOwner, permission: Permission) => {
    request.caller = owner;
    if (owner.kind !== 'person' || isPermitted(owner.role, permission)) return;
    const detail = `The role ${owner.role} lacks the permission ${permission}; use the key of a person with the role`;
    throw new Problem('forbidden', `${detail} ${rolesOf(permission)}`);
  };
  return {
    may: (permission) => async (request) => {
      const needed = `the key of a person with the role ${rolesOf(permission)}`;
      // A hook before this guard may have named the caller: by the ticket of a stream.
      const known = request.caller?.kind === 'person' ? request.caller : undefined;
      if (known === undefined) refuseAdmin(request, needed);
      const owner = known ?? (await find(request));
      if (owner.kind !== 'person') throw wrongKey(needed, 'an SDK key');
      admit(request, owner, permission);
    },
    sdkOr: (permission) => async (request) => {
      const needed = `an SDK key, or the key of a person with the role ${rolesOf(permission)}`;
      refuseAdmin(request, needed);
      admit(request, await find(request), permission);
    },
    sdk: async (request) => {
      refuseAdmin(request, 'an SDK key');
      const owner = await find(request);
      if (owner.kind !== 'sdk') throw wrongKey('an SDK key', "a person's key");
      request.caller = owner;
    },
    admin: async (request) => {
      limit.check(request.ip);
      if (!isAdmin(request)) {
        limit.count(request.ip);
        throw new Problem('unauthorized', 'Send the admin key (ADMIN_KEY) as Authorization: Bearer <key>');
      }
      request.caller = { kind: 'admin' };
    },
    forget: () => find.clear(),
  };
}

export function personOf(request: FastifyRequest): PersonCaller {
  if (request.caller?.kind !== 'person') throw unauthorized();
  return request.caller;
}

/** The app of a person's or an SDK's key. */
export function appIdOf(request: FastifyRequest): string {
  const { caller } = request;
  if (caller === null || caller.kind === 'admin') throw unauthorized();
  return caller.appId;
}

function wrongKey(needed: string, given: string): Problem {
  return new Problem('forbidden', `This route needs ${needed}, not ${given}`);
}

function unauthorized(): Problem {
  return new Problem('unauthorized', 'Send a valid key as Authorization: Bearer <key>');
}

const BEARER = /^Bearer +([\x21-\x7e]{1,200})$/i;

function bearerOf(request: FastifyRequest): string {
  const key = BEARER.exec(request.headers.authorization ?? '')?.[1];
  if (key === undefined) throw unauthorized();
  return key;
}

export function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

const CACHE_MS = 3_000;
const CACHE_SIZE = 10_000;

/** Keys are looked up by the hash of a 256-bit secret, so the duration reveals nothing about other keys. */
function cachedLookup({ db }: ApiDeps, limit: ReturnType<typeof createFailureLimit>) {
  const cache = createBoundedMap<string, { owner: KeyOwner; until: number }>(CACHE_SIZE);
  const lookup = async (request: FastifyRequest): Promise<KeyOwner> => {
    const hash = sha256(bearerOf(request));
    const name = hash.toString('base64');
    const kept = cache.get(name);
    if (kept !== undefined && kept.until > performance.now()) return kept.owner;
    // A key that was valid is exempt from the failure limit of its address, because proxies and offices share
    // addresses.
    if (kept === undefined) limit.check(request.ip);
    const owner = await findCaller(db, hash);
    if (owner === undefined) {
      cache.delete(name);
      limit.count(request.ip);
      throw unauthorized();
    }
    cache.set(name, { owner, until: performance.now() + CACHE_MS });
    return owner;
  };
  return Object.assign(lookup, { clear: () => cache.clear() });
}
