import { randomBytes } from 'node:crypto';
import { isIP } from 'node:net';
import type { FastifyRequest } from 'fastify';
import type { Origin } from '../../db/audit/audit.ts';
import { newId } from '../../domain/ids.ts';
import { personOf } from './auth.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Whether the origin of the request was recorded for the audit. */
    hasOrigin: boolean;
  }
}

const AGENT_LENGTH = 300;
/** Recorded in place of a key ID when the administrator acts. */
const ADMINISTRATOR = 'admin';

/**
 * The origin of a request of a person or an administrator. The address is the proxy's unless the proxy is
 * trusted.
 */
export function originOf(request: FastifyRequest, at: Date, appIdOfAdmin?: string): Origin {
  const { appId, keyId } = holderOf(request, appIdOfAdmin);
  request.hasOrigin = true;
  // A link-local address can end in a zone (`%eth0`), and a proxy can send any text.
  const [address = ''] = request.ip.split('%');
  return {
    id: newId('origin', randomBytes),
    appId,
    keyId,
    at,
    ip: isIP(address) === 0 ? null : address,
    userAgent: request.headers['user-agent']?.slice(0, AGENT_LENGTH) ?? null,
  };
}

function holderOf(request: FastifyRequest, appId: string | undefined): { appId: string; keyId: string } {
  const isAdmin = request.caller?.kind === 'admin' && appId !== undefined;
  return isAdmin ? { appId, keyId: ADMINISTRATOR } : personOf(request);
}
