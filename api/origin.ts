import { randomBytes } from 'node:crypto';
import { isIP } from 'node:net';
import type { FastifyRequest } from 'fastify';
import type { Origin } from '../db/audit.ts';
import { newId } from '../domain/ids.ts';
import { personOf } from './auth.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Somebody noted where it came from, for the audit. */
    hasOrigin: boolean;
  }
}

const AGENT_LENGTH = 300;
/** In the place of a key's ID. */
const ADMINISTRATOR = 'admin';

/** Where a request of a person or an administrator came from, for the audit. The address is that of the proxy unless it is trusted. */
export function originOf(request: FastifyRequest, at: Date, appIdOfAdmin?: string): Origin {
  const { appId, keyId } = holderOf(request, appIdOfAdmin);
  request.hasOrigin = true;
  // An address of one link names the link, too; what a proxy passed on may be anything.
  const [address = ''] = request.ip.split('%');
  return {
    ...{ id: newId('origin', randomBytes), appId, keyId, at },
    ip: isIP(address) === 0 ? null : address,
    userAgent: request.headers['user-agent']?.slice(0, AGENT_LENGTH) ?? null,
  };
}

function holderOf(request: FastifyRequest, appId: string | undefined): { appId: string; keyId: string } {
  const isAdmin = request.caller?.kind === 'admin' && appId !== undefined;
  return isAdmin ? { appId, keyId: ADMINISTRATOR } : personOf(request);
}
