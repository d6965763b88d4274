/**
 * AES-CMAC, RFC 4493 (NIST SP 800-38B), with a 128-bit key and a tag of 16 bytes.
 *
 * Reason: Node's `crypto` offers no CMAC, and message IDs need one that takes many messages in one call. Only
 * the chaining and the padding are written here. OpenSSL computes each AES block.
 *
 * Proof: `cmac.test.ts` holds the four examples of RFC 4493, section 4. The examples of 16 and 64 bytes end
 * in a whole block (subkey K1), those of 0 and 40 bytes in a padded one (subkey K2), and those of 40 and 64
 * bytes chain blocks. `many` is compared with the plain form for each length that it takes.
 */
import { createCipheriv } from 'node:crypto';
import type { Mac } from '../domain/receipts/message-id.ts';

const BLOCK_BYTES = 16;
/** The first byte after a message that does not fill its last block. */
const PADDING = 0x80;
/** The constant Rb of RFC 4493 for blocks of 128 bits. */
const REDUCTION = 0x87;

/** `many` is for messages below 16 bytes, all of one length. */
export function createCmac(key: Buffer): Mac {
  const aes = createCipheriv('aes-128-ecb', key, null).setAutoPadding(false);
  const subkey1 = doubled(aes.update(Buffer.alloc(BLOCK_BYTES)));
  const subkey2 = doubled(subkey1);
  const mac: Mac = (data) => {
    const last = Math.max(0, Math.ceil(data.length / BLOCK_BYTES) - 1) * BLOCK_BYTES;
    let state = Buffer.alloc(BLOCK_BYTES);
    for (let at = 0; at < last; at += BLOCK_BYTES) {
      for (let i = 0; i < BLOCK_BYTES; i++) state[i] = (state[i] ?? 0) ^ (data[at + i] ?? 0);
      state = aes.update(state);
    }
    const rest = data.length - last;
    const subkey = rest === BLOCK_BYTES ? subkey1 : subkey2;
    for (let i = 0; i < BLOCK_BYTES; i++) {
      const byte = i < rest ? (data[last + i] ?? 0) : i === rest ? PADDING : 0;
      state[i] = (state[i] ?? 0) ^ byte ^ (subkey[i] ?? 0);
    }
    return aes.update(state);
  };
  // Each message is one block, and no block depends on another one, so one call of AES encrypts all of them.
  const many: Mac['many'] = (messages, bytes) => {
    const blocks = Buffer.alloc((messages.length / bytes) * BLOCK_BYTES);
    for (let i = 0; i < blocks.length; i++) {
      const place = i % BLOCK_BYTES;
      const from = ((i - place) / BLOCK_BYTES) * bytes;
      const byte = place < bytes ? (messages[from + place] ?? 0) : place === bytes ? PADDING : 0;
      blocks[i] = byte ^ (subkey2[place] ?? 0);
    }
    return aes.update(blocks);
  };
  return Object.assign(mac, { many });
}

/** The block times x in the field of RFC 4493, section 2.3. */
function doubled(block: Buffer): Buffer {
  const shifted = block.map((byte, i) => (byte << 1) | ((block[i + 1] ?? 0) >> 7));
  if ((block[0] ?? 0) > 0x7f) shifted[BLOCK_BYTES - 1] = (shifted[BLOCK_BYTES - 1] ?? 0) ^ REDUCTION;
  return Buffer.from(shifted);
}
