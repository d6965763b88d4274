import { randomBytes } from 'node:crypto';
import { isIP } from 'node:net';
import type { FastifyRequest } from 'fastify';
import type { Origin } from '../db/audit.ts';
import { newId } from '../domain/ids.ts';
import { personOf } from './auth.ts';

const AGENT_LENGTH = 300;

/** Where a person's request came from, for the audit. The address is that of the proxy unless it is trusted. */
export function originOf(request: FastifyRequest, at: Date): Origin {
  const { appId, keyId } = personOf(request);
  // An address of one link names the link, too; what a proxy passed on may be anything.
  const [address = ''] = request.ip.split('%');
  return {
    ...{ id: newId('origin', randomBytes), appId, keyId, at },
    ip: isIP(address) === 0 ? null : address,
    userAgent: request.headers['user-agent']?.slice(0, AGENT_LENGTH) ?? null,
  };
}
