import { expect, test } from 'vitest';
import { createCmac } from './cmac.ts';

/** The key and the message of RFC 4493, section 4. */
const KEY = Buffer.from('2b7e151628aed2a6abf7158809cf4f3c', 'hex');
const MESSAGE = Buffer.from(
  '6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710',
  'hex',
);

test.each([
  [0, 'bb1d6929e95937287fa37d129b756746'],
  [16, '070a16b46b4d4144f79bdd9dd04a287c'],
  [40, 'dfa66747de9ae63030ca32611497c827'],
  [64, '51f0bebf7e3b9d92fc49741779363cfe'],
])('AES-CMAC of %i bytes is that of RFC 4493', (length, tag) => {
  const mac = createCmac(KEY);
  expect(Buffer.from(mac(MESSAGE.subarray(0, length))).toString('hex')).toBe(tag);
});

test('MACs of many messages in one call equal those made one by one', () => {
  const mac = createCmac(KEY);
  for (let bytes = 1; bytes < 16; bytes++) {
    const each = [0, 1, 2].map((i) => mac(MESSAGE.subarray(i * bytes, (i + 1) * bytes)));
    expect(mac.many?.(MESSAGE.subarray(0, 3 * bytes), bytes)).toEqual(Buffer.concat(each));
  }
});
