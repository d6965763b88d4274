import { describe, expect, test } from 'vitest';
import { createIdentity } from '../../dev/simulators/certificate.ts';
import { accept } from '../../dev/simulators/h2-peer.ts';
import { CLIENTS, openPeer, openPoolWith, send } from '../../test/h2-rig.ts';
import { troubleOf } from './trouble.ts';

/** Far less than the second attempt to connect needs. */
const AT_ONCE_MS = 150;

describe.each(CLIENTS)('%s', (client) => {
  const openPool = openPoolWith(client);

  test('a certificate of an authority that is not trusted is told at the first try', async () => {
    const peer = await openPeer(accept);
    const { ca } = await createIdentity();
    const pool = openPool({ url: peer.url, ca }, { queueMs: 100 });
    expect(pool.trouble).toBeUndefined();
    void send(pool);
    await expect.poll(() => pool.trouble, { timeout: AT_ONCE_MS, interval: 5 }).toBeDefined();
    expect(pool.trouble).toContain('is not trusted');
    expect(pool.trouble).toContain('check PUSH_CA_FILE');
  });

  test('a server that is away is told after some tries, until it answers', async () => {
    const pool = openPool({ url: new URL('https://127.0.0.1:1') }, { queueMs: 10_000 });
    expect(await send(pool)).toMatchObject({ kind: 'unprocessed', reason: 'Unreachable' });
    expect(pool.trouble).toMatch(/^127\.0\.0\.1:1 cannot be reached: .*ECONNREFUSED/);
  });

  test('a server that answers is no trouble', async () => {
    const peer = await openPeer(accept);
    const pool = openPool(peer);
    await send(pool);
    expect(pool.trouble).toBeUndefined();
  });
});

test.each([
  ['CERT_HAS_EXPIRED', true],
  ['ERR_TLS_CERT_ALTNAME_INVALID', true],
  ['SELF_SIGNED_CERT_IN_CHAIN', true],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', true],
  ['CERT_SIGNATURE_FAILURE', true],
  ['ECONNRESET', false],
  ['ENOTFOUND', false],
])('%s is a fault of the certificate: %s', (code, isOfCertificate) => {
  const trouble = troubleOf({ url: new URL('https://h') }, Object.assign(new Error('text'), { code }));
  expect(trouble.includes('is not trusted')).toBe(isOfCertificate);
  expect(trouble).toContain(code);
});
