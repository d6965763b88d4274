import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import * as der from './der.ts';

const DAY_MS = 86_400_000;
const VALID_DAYS = 30;

const OID = {
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  commonName: '2.5.4.3',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  extendedKeyUsage: '2.5.29.37',
  serverAuth: '1.3.6.1.5.5.7.3.1',
};

const ALGORITHM = der.sequence(der.objectId(OID.ecdsaWithSha256));
const KEY_CERT_SIGN = der.bitString(Buffer.from([0x04]), 2);

export interface ServerIdentity {
  readonly key: string;
  readonly cert: string;
  /** PEM of the authority that signed it. */
  readonly ca: string;
}

/** A throw-away authority and a certificate of it for this machine's loopback. */
export function createLoopbackIdentity(now = new Date()): ServerIdentity {
  const authority = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const server = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const issuer = commonName('Signalbox simulator authority');
  const ca = certificate({
    issuer,
    subject: issuer,
    publicKey: authority.publicKey,
    signer: authority.privateKey,
    now,
    extensions: [
      extension(OID.basicConstraints, der.sequence(der.boolean(true))),
      extension(OID.keyUsage, KEY_CERT_SIGN),
    ],
  });
  const cert = certificate({
    issuer,
    subject: commonName('localhost'),
    publicKey: server.publicKey,
    signer: authority.privateKey,
    now,
    extensions: [
      extension(OID.extendedKeyUsage, der.sequence(der.objectId(OID.serverAuth))),
      extension(OID.subjectAltName, der.sequence(dnsName('localhost'), ipAddress([127, 0, 0, 1]))),
    ],
  });
  return { key: server.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), cert, ca };
}

interface Parts {
  readonly issuer: Buffer;
  readonly subject: Buffer;
  readonly publicKey: KeyObject;
  readonly signer: KeyObject;
  readonly now: Date;
  readonly extensions: readonly Buffer[];
}

function certificate({ issuer, subject, publicKey, signer, now, extensions }: Parts): string {
  const signed = der.sequence(
    der.explicit(0, der.integer(Buffer.from([2]))),
    der.integer(randomBytes(16)),
    ALGORITHM,
    issuer,
    der.sequence(
      der.utcTime(new Date(now.getTime() - DAY_MS)),
      der.utcTime(new Date(now.getTime() + VALID_DAYS * DAY_MS)),
    ),
    subject,
    publicKey.export({ type: 'spki', format: 'der' }),
    der.explicit(3, der.sequence(...extensions)),
  );
  const whole = der.sequence(signed, ALGORITHM, der.bitString(sign('sha256', signed, signer)));
  const lines = whole.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}

function commonName(name: string): Buffer {
  return der.sequence(der.setOf(der.sequence(der.objectId(OID.commonName), der.utf8String(name))));
}

function extension(oid: string, value: Buffer): Buffer {
  return der.sequence(der.objectId(oid), der.boolean(true), der.octetString(value));
}

function dnsName(name: string): Buffer {
  return der.implicit(2, Buffer.from(name, 'latin1'));
}

function ipAddress(bytes: readonly number[]): Buffer {
  return der.implicit(7, Buffer.from(bytes));
}
