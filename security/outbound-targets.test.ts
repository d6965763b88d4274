import { describe, expect, test } from 'vitest';
import type { Address } from '../domain/webhooks/webhook-target.ts';
import { createFindTarget } from './outbound-targets.ts';

const v4 = (address: string): Address => ({ address, family: 4 });
const v6 = (address: string): Address => ({ address, family: 6 });
const PUBLIC = v4('93.184.216.34');
const PRIVATE = 'must lead to a public address, not to a private or reserved one';

/** Where a URL leads when the name in it has these addresses. */
async function find(url: string, answers: Address[] = [], allowed: string[] = []) {
  return await createFindTarget(allowed, async () => answers)(new URL(url));
}

describe('an address in the URL', () => {
  test.each([
    // IPv4, in each notation that a URL takes.
    ...['127.0.0.1', '127.1', '2130706433', '0x7f000001', '0177.0.0.1', '017700000001', '0x7f.1', '0'],
    ...['10.0.0.1', '167772161', '172.16.0.1', '192.168.1.1', '169.254.169.254', '100.64.0.1', '192.0.0.8'],
    ...['198.18.0.1', '224.0.0.1', '255.255.255.255', '127.0.0.1.', '①②⑦.⓪.⓪.①'],
    // IPv6: this machine, addresses that hold an IPv4 address, tunnels, documentation.
    ...['[::1]', '[::]', '[0:0:0:0:0:0:0:1]', '[::ffff:127.0.0.1]', '[::ffff:7f00:1]', '[::127.0.0.1]'],
    ...['[64:ff9b::10.0.0.1]', '[64:ff9b:1::a00:1]', '[2002:a00:1::]', '[2001::a00:1]', '[2001:db8::1]'],
    ...['[fc00::1]', '[fd00::1]', '[fe80::1]', '[ff02::1]', '[100::1]', '[3fff::1]', '[5f00::1]'],
  ])('%s is refused', async (host) => {
    expect(await find(`https://${host}/`)).toEqual({ ok: false, reason: PRIVATE });
  });

  test.each([['8.8.8.8'], ['172.32.0.1'], ['[2606:4700::1111]']])('%s is accepted', async (host) => {
    expect(await find(`https://${host}/`)).toMatchObject({ ok: true });
  });
});

describe('the answers of the name service', () => {
  test.each([
    ['private', [v4('10.0.0.1')]],
    ['private and public', [PUBLIC, v4('192.168.0.1')]],
    ['public, and private over IPv6', [PUBLIC, v6('fd00::1')]],
    ['an IPv4 address within IPv6', [v6('::ffff:10.0.0.1')]],
    ['this machine', [v6('::1'), v4('127.0.0.1')]],
  ])('%s: refused', async (_, answers) => {
    expect(await find('https://hooks.example/', answers)).toEqual({ ok: false, reason: PRIVATE });
  });

  test('all public: the request goes to these addresses', async () => {
    const answers = [PUBLIC, v6('2606:4700::1111')];
    expect(await find('https://hooks.example/', answers)).toEqual({ ok: true, addresses: answers });
  });

  test('none, or a name service that does not answer', async () => {
    const unresolved = { ok: false, reason: 'the host name cannot be resolved' };
    expect(await find('https://hooks.example/')).toEqual(unresolved);
    const failing = createFindTarget([], () => Promise.reject(new Error('ESERVFAIL')));
    expect(await failing(new URL('https://hooks.example/'))).toEqual(unresolved);
  });

  test('localhost is this machine, by the real name service', async () => {
    expect(await createFindTarget([])(new URL('https://localhost/'))).toEqual({ ok: false, reason: PRIVATE });
  });
});

describe('ranges that the operator allows', () => {
  const allowed = ['10.1.0.0/16', 'fd00::/8'];
  test('are accepted, also over http, and others are not', async () => {
    expect(await find('http://10.1.2.3/', [], allowed)).toMatchObject({ ok: true });
    expect(await find('http://hooks.example/', [v6('fd00::1')], allowed)).toMatchObject({ ok: true });
    expect(await find('http://10.2.0.1/', [], allowed)).toEqual({ ok: false, reason: PRIVATE });
    expect(await find('https://[::ffff:10.1.2.3]/', [], ['10.1.2.4'])).toEqual({
      ok: false,
      reason: PRIVATE,
    });
  });

  test('a name that also leads elsewhere is refused over http', async () => {
    const answers = [v4('10.1.2.3'), PUBLIC];
    expect(await find('http://hooks.example/', answers, allowed)).toMatchObject({ ok: false });
    expect(await find('https://hooks.example/', answers, allowed)).toMatchObject({ ok: true });
  });
});
