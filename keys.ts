import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  hkdfSync,
  randomBytes,
} from 'node:crypto';
import type { Mac } from './domain/message-id.ts';

const IV_BYTES = 12;
const TAG_BYTES = 16;

/** A message ID is made for every device and checked for every receipt, and AES does that in a quarter of an HMAC's time. */
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
  // A key object is set up once; from bytes it would be set up for every message.
  const key = createSecretKey(secret);
  return (data) => createHmac('sha256', key).update(data).digest();
}

const BLOCK_BYTES = 16;

/** AES-CMAC (RFC 4493), 16 bytes; `many` is for messages below 16 bytes. */
export function createCmac(key: Buffer): Mac {
  const aes = createCipheriv('aes-128-ecb', key, null).setAutoPadding(false);
  const whole = doubled(aes.update(Buffer.alloc(BLOCK_BYTES)));
  const padded = doubled(whole);
  const mac: Mac = (data) => {
    const last = Math.max(0, Math.ceil(data.length / BLOCK_BYTES) - 1) * BLOCK_BYTES;
    let state = Buffer.alloc(BLOCK_BYTES);
    for (let at = 0; at < last; at += BLOCK_BYTES) {
      for (let i = 0; i < BLOCK_BYTES; i++) state[i] = (state[i] ?? 0) ^ (data[at + i] ?? 0);
      state = aes.update(state);
    }
    const rest = data.length - last;
    const mask = rest === BLOCK_BYTES ? whole : padded;
    for (let i = 0; i < BLOCK_BYTES; i++) {
      const byte = i < rest ? (data[last + i] ?? 0) : i === rest ? 0x80 : 0;
      state[i] = (state[i] ?? 0) ^ byte ^ (mask[i] ?? 0);
    }
    return aes.update(state);
  };
  // Less than a block each: none depends on another one.
  const many: Mac['many'] = (messages, bytes) => {
    const blocks = Buffer.alloc((messages.length / bytes) * BLOCK_BYTES);
    for (let i = 0; i < blocks.length; i++) {
      const place = i % BLOCK_BYTES;
      const from = ((i - place) / BLOCK_BYTES) * bytes;
      const byte = place < bytes ? (messages[from + place] ?? 0) : place === bytes ? 0x80 : 0;
      blocks[i] = byte ^ (padded[place] ?? 0);
    }
    return aes.update(blocks);
  };
  return Object.assign(mac, { many });
}

/** Times x in the field of RFC 4493. */
function doubled(block: Buffer): Buffer {
  const shifted = block.map((byte, i) => (byte << 1) | ((block[i + 1] ?? 0) >> 7));
  if ((block[0] ?? 0) > 0x7f) shifted[BLOCK_BYTES - 1] = (shifted[BLOCK_BYTES - 1] ?? 0) ^ 0x87;
  return Buffer.from(shifted);
}

export interface SigningKeys {
  readonly current: Buffer;
  readonly version: number;
  /** The key before: its message IDs still count. Its version is one less. */
  readonly previous: Buffer | undefined;
}

/** Of message IDs, which are reported for days after they were made. */
export function createMessageMac({ current, version, previous }: SigningKeys): Mac {
  const signer = (key: Buffer, at: number) => Object.assign(createMac(key, 'message-id'), { version: at });
  const mac = signer(current, version);
  return previous === undefined ? mac : Object.assign(mac, { previous: signer(previous, version - 1) });
}

export interface Vault {
  seal(plain: string): Buffer;
  /** Throws when the bytes were changed or sealed under another key. */
  open(sealed: Buffer): string;
}

/** AES-256-GCM: IV, tag, ciphertext. */
export function createVault(key: Buffer): Vault {
  return {
    seal(plain) {
      const iv = randomBytes(IV_BYTES);
      const cipher = createCipheriv('aes-256-gcm', key, iv);
      const body = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()]);
      return Buffer.concat([iv, cipher.getAuthTag(), body]);
    },
    open(sealed) {
      const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, IV_BYTES));
      decipher.setAuthTag(sealed.subarray(IV_BYTES, IV_BYTES + TAG_BYTES));
      const body = sealed.subarray(IV_BYTES + TAG_BYTES);
      return Buffer.concat([decipher.update(body), decipher.final()]).toString('utf8');
    },
  };
}
