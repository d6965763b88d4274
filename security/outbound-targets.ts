import { lookup } from 'node:dns/promises';
import { BlockList, isIP } from 'node:net';
import type { Address, FindTarget, Target } from '../domain/webhooks/webhook-target.ts';

const RESERVED_V4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
];
/** Ranges for tunnels, documentation and tests, inside the only global range 2000::/3. */
const RESERVED_V6 = ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20'];

const reserved = blockList(RESERVED_V4);
const global6 = blockList(['2000::/3']);
const reserved6 = blockList(RESERVED_V6);

/**
 * Webhooks go to public addresses, and over https only. `allowed` are further ranges that the operator
 * trusts, where http is allowed, too. A name is refused when a single one of its addresses is neither public
 * nor trusted.
 */
export function createFindTarget(allowed: readonly string[], resolveName = lookUp): FindTarget {
  const trusted = blockList(allowed);
  return async (url) => {
    const found = await addressesOf(url.hostname.replace(/^\[|\]$/g, ''), resolveName);
    const [first, ...rest] = found;
    if (first === undefined) return refused('the host name cannot be resolved');
    const isTrusted = found.every((each) => isIn(trusted, each));
    if (!isTrusted && !found.every((each) => isIn(trusted, each) || isPublic(each))) {
      return refused('must lead to a public address, not to a private or reserved one');
    }
    if (url.protocol !== 'https:' && !isTrusted) return refused('must begin with https://');
    return { ok: true, addresses: [first, ...rest] };
  };
}

type ResolveName = (hostname: string) => Promise<Address[]>;

async function addressesOf(hostname: string, resolveName: ResolveName): Promise<Address[]> {
  const family = isIP(hostname);
  if (family === 4 || family === 6) return [{ address: hostname, family }];
  return await resolveName(hostname).catch(() => []);
}

async function lookUp(hostname: string): Promise<Address[]> {
  const found = await lookup(hostname, { all: true });
  return found.map(({ address, family }) => ({ address, family: family === 6 ? 6 : 4 }));
}

function isPublic(address: Address): boolean {
  return address.family === 4
    ? !isIn(reserved, address)
    : isIn(global6, address) && !isIn(reserved6, address);
}

function isIn(list: BlockList, { address, family }: Address): boolean {
  return list.check(address, family === 4 ? 'ipv4' : 'ipv6');
}

function blockList(ranges: readonly string[]): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [address = '', prefix] = range.split('/');
    const isV4 = isIP(address) === 4;
    list.addSubnet(address, Number(prefix ?? (isV4 ? 32 : 128)), isV4 ? 'ipv4' : 'ipv6');
  }
  return list;
}

function refused(reason: string): Target {
  return { ok: false, reason };
}
