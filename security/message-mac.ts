import { createHmac, createSecretKey, hkdfSync } from 'node:crypto';
import type { Mac } from '../domain/receipts/message-id.ts';
import { createCmac } from './cmac.ts';

/**
 * A message ID is made for every device and checked for every receipt. AES-CMAC takes a quarter of the time
 * of an HMAC for that.
 */
const MACS = {
  'message-id': { make: createCmac, keyBytes: 16 },
  approval: { make: createHmacOf, keyBytes: 32 },
};

/** A MAC under a key of its own for each purpose, derived from the one signing key. */
export function createMac(signingKey: Buffer, purpose: keyof typeof MACS): Mac {
  const { make, keyBytes } = MACS[purpose];
  return make(Buffer.from(hkdfSync('sha256', signingKey, Buffer.alloc(0), `signalbox/${purpose}`, keyBytes)));
}

function createHmacOf(secret: Buffer): Mac {
  // A key object is set up once. From bytes, the key would be set up for every message.
  const key = createSecretKey(secret);
  return (data) => createHmac('sha256', key).update(data).digest();
}

export interface SigningKeys {
  readonly current: Buffer;
  readonly version: number;
  /** The key before the current one, whose version is one less. Its message IDs still count. */
  readonly previous: Buffer | undefined;
}

/** The MAC of message IDs. Devices report message IDs for days, so the previous key verifies, too. */
export function createMessageMac({ current, version, previous }: SigningKeys): Mac {
  const signer = (key: Buffer, keyVersion: number) =>
    Object.assign(createMac(key, 'message-id'), { version: keyVersion });
  const mac = signer(current, version);
  return previous === undefined ? mac : Object.assign(mac, { previous: signer(previous, version - 1) });
}
