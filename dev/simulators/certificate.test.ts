import { X509Certificate } from 'node:crypto';
import { expect, test } from 'vitest';
import { createLoopbackIdentity } from './certificate.ts';
import * as der from './der.ts';

test('the certificate is signed by the authority and good for the loopback address only', () => {
  const { cert, ca } = createLoopbackIdentity();
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

test('two authorities do not vouch for each other', () => {
  const server = new X509Certificate(createLoopbackIdentity().cert);
  const other = new X509Certificate(createLoopbackIdentity().ca);
  expect(server.verify(other.publicKey)).toBe(false);
});

test.each([
  ['a small integer', der.integer(Buffer.from([5])), '020105'],
  ['an integer whose first bit is set', der.integer(Buffer.from([0x80])), '02020080'],
  ['an integer with leading zeros', der.integer(Buffer.from([0, 0, 1])), '020101'],
  ['zero', der.integer(Buffer.from([0])), '020100'],
  ['an object ID', der.objectId('1.2.840.10045.4.3.2'), '06082a8648ce3d040302'],
  ['a UTC time', der.utcTime(new Date('2026-11-22T05:06:07.089Z')), '170d3236313132323035303630375a'],
  ['a bit string', der.bitString(Buffer.from([4]), 2), '03020204'],
  ['a sequence', der.sequence(der.boolean(true)), '30030101ff'],
])('%s', (_name, encoded, hex) => {
  expect(encoded.toString('hex')).toBe(hex);
});

test.each([
  [127, '7f'],
  [128, '8180'],
  [255, '81ff'],
  [256, '820100'],
])('a length of %i bytes', (length, hex) => {
  expect(der.octetString(Buffer.alloc(length)).subarray(1, -length).toString('hex')).toBe(hex);
});
