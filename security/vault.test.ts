import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { createVault } from './vault.ts';

const SECRET = 'a credential, with ünicode';

test('a sealed text opens under the same key', () => {
  const key = randomBytes(32);
  expect(createVault(key).open(createVault(key).seal(SECRET))).toBe(SECRET);
});

test('the same text is sealed differently each time', () => {
  const vault = createVault(randomBytes(32));
  expect(vault.seal(SECRET)).not.toEqual(vault.seal(SECRET));
});

test('another key cannot open it', () => {
  const sealed = createVault(randomBytes(32)).seal(SECRET);
  expect(() => createVault(randomBytes(32)).open(sealed)).toThrow();
});

test('a changed bit anywhere is noticed: in the IV, the tag, the ciphertext', () => {
  const vault = createVault(randomBytes(32));
  const sealed = vault.seal(SECRET);
  for (let at = 0; at < sealed.length; at++) {
    const changed = Buffer.from(sealed);
    changed[at] = (changed[at] ?? 0) ^ 1;
    expect(() => vault.open(changed)).toThrow();
  }
});
