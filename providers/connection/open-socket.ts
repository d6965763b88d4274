import { isIP } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import type { Endpoint } from '../push-service.ts';

export const NO_HTTP2 = new Error('the server does not speak HTTP/2');

/** Connects by TLS with HTTP/2 as the only protocol on offer. */
export function openSocket({ url, ca }: Endpoint): TLSSocket {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const socket = connect({
    host,
    port: Number(url.port || 443),
    ALPNProtocols: ['h2'],
    ...(isIP(host) ? {} : { servername: host }),
    ...(ca === undefined ? {} : { ca }),
  });
  socket.setNoDelay(true);
  return socket;
}
