import { randomBytes, timingSafeEqual } from 'node:crypto';
import { sha256 } from './auth.ts';

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
/** 43 characters from an alphabet of 62 carry 256 bits. */
const LENGTH = 43;
/** The largest multiple of 62 in a byte; larger values would favour the first letters. */
const FAIR_BELOW = 248;

/** API keys start with `sbk_`, secrets of devices with `sbd_`. */
export function newSecret(prefix: 'sbk' | 'sbd'): string {
  let text = '';
  while (text.length < LENGTH) {
    for (const byte of randomBytes(LENGTH)) {
      if (byte < FAIR_BELOW && text.length < LENGTH) text += ALPHABET[byte % ALPHABET.length];
    }
  }
  return `${prefix}_${text}`;
}

export function isSecret(given: unknown, hash: Buffer): boolean {
  return typeof given === 'string' && timingSafeEqual(sha256(given), hash);
}
