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

/** A MAC under a key of its own for each purpose, derived from the one signing key. */
export function createMac(signingKey: Buffer, purpose: 'message-id' | 'approval'): Mac {
  const derived = hkdfSync('sha256', signingKey, Buffer.alloc(0), `signalbox/${purpose}`, 32);
  // A key object is set up once; from bytes it would be set up for every message.
  const key = createSecretKey(Buffer.from(derived));
  return (data) => createHmac('sha256', key).update(data).digest();
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
