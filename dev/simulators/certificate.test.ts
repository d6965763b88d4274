import { X509Certificate } from 'node:crypto';
import { expect, test } from 'vitest';
import { createIdentity } from './certificate.ts';

test('the certificate is signed by the authority and good for the loopback address only', async () => {
  const { cert, ca } = await createIdentity();
  const server = new X509Certificate(cert);
  const authority = new X509Certificate(ca);
  expect(server.verify(authority.publicKey)).toBe(true);
  expect(server.checkIssued(authority)).toBe(true);
  expect([authority.ca, server.ca]).toEqual([true, false]);
  expect(server.checkIP('127.0.0.1')).toBe('127.0.0.1');
  expect(server.checkHost('localhost')).toBe('localhost');
  expect(server.checkHost('example.com')).toBeUndefined();
  expect(server.validToDate.getTime()).toBeGreaterThan(Date.now());
  expect(server.validFromDate.getTime()).toBeLessThan(Date.now());
});

test('two authorities do not vouch for each other', async () => {
  const server = new X509Certificate((await createIdentity()).cert);
  const other = new X509Certificate((await createIdentity()).ca);
  expect(server.verify(other.publicKey)).toBe(false);
});

test('the certificate of a server with a host name is for that name', async () => {
  const { cert, host } = await createIdentity('simulators');
  expect(host).toBe('simulators');
  expect(new X509Certificate(cert).checkHost('simulators')).toBe('simulators');
  expect(new X509Certificate(cert).checkIP('127.0.0.1')).toBeUndefined();
});
