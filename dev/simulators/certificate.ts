import { generate } from 'selfsigned';
import { LOOPBACK } from './listen.ts';

const DAY_MS = 86_400_000;
const VALID_DAYS = 30;

export interface ServerIdentity {
  /** The name by which others reach the server. */
  readonly host: string;
  readonly key: string;
  readonly cert: string;
  /** PEM of the authority that signed it. */
  readonly ca: string;
}

/** A throw-away authority, and a certificate signed by it for the loopback address or another host. */
export async function createIdentity(host = LOOPBACK): Promise<ServerIdentity> {
  const common = {
    keyType: 'ec',
    algorithm: 'sha256',
    // A client whose clock is slow accepts the certificate too.
    notBeforeDate: new Date(Date.now() - DAY_MS),
    notAfterDate: new Date(Date.now() + VALID_DAYS * DAY_MS),
  } as const;
  const authority = await generate([{ name: 'commonName', value: 'Signalbox simulator authority' }], {
    ...common,
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, critical: true },
    ],
  });
  const server = await generate([{ name: 'commonName', value: 'localhost' }], {
    ...common,
    ca: { key: authority.private, cert: authority.cert },
    extensions: [
      { name: 'basicConstraints', cA: false, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      {
        name: 'subjectAltName',
        altNames: [
          { type: 2, value: 'localhost' },
          host === LOOPBACK ? { type: 7, ip: LOOPBACK } : { type: 2, value: host },
        ],
      },
    ],
  });
  return { host, key: server.private, cert: server.cert, ca: authority.cert };
}
