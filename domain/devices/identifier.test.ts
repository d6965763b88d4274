import fc from 'fast-check';
import { expect, test } from 'vitest';
import { IDENTIFIER_KINDS, isZeroDeviceId, readIdentifier, ZERO_IDS } from './identifier.ts';

const IDFA = '6d92078a-8246-4ba4-ae5b-76104861e7dc';

test('case does not matter, because Apple writes IDs in upper and Android in lower case', () => {
  expect(readIdentifier('idfa', IDFA)).toEqual(readIdentifier('idfa', ` ${IDFA.toUpperCase()} `));
  expect(readIdentifier('idfa', IDFA)).toEqual({
    form: 'raw',
    cases: [IDFA.toLowerCase(), IDFA.toUpperCase()],
  });
  expect(readIdentifier('android_id', '9774D56D682E549C')).toEqual(
    readIdentifier('android_id', '9774d56d682e549c'),
  );
  expect(readIdentifier('custom_id', 'Member/7')).toEqual({ form: 'raw', cases: ['Member/7'] });
});

test.each([
  ['idfa', '00000000-0000-0000-0000-000000000000'],
  ['oaid', '0'.repeat(64)],
  ['android_id', '0000000000000000'],
  ['custom_id', '0'],
  ['oaid', `md5:${'0'.repeat(32)}`],
] as const)('%s %s is all zeros', (kind, text) => {
  expect(readIdentifier(kind, text)).toBe('all_zeros');
});

test('device IDs that are all zeros are recognised', () => {
  expect(ZERO_IDS.filter((id) => !isZeroDeviceId(id))).toEqual([]);
  expect(
    ['0', '000', '00000000-0000-0000-0000-000000000001', 'device-00000000'].filter(isZeroDeviceId),
  ).toEqual([]);
});

test.each([
  ['idfa', 'not-a-uuid', 'not_an_id'],
  ['android_id', 'xyz', 'not_an_id'],
  ['custom_id', 'with space', 'not_an_id'],
  ['oaid', 'md5:abc', 'not_a_hash'],
  ['oaid', `sha256:${'a'.repeat(63)}`, 'not_a_hash'],
  ['oaid', `sha256:${'g'.repeat(64)}`, 'not_a_hash'],
] as const)('%s %s is refused: %s', (kind, text, fault) => {
  expect(readIdentifier(kind, text)).toBe(fault);
});

test('any text has a form or a fault', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...IDENTIFIER_KINDS),
      fc.string({ unit: 'binary', maxLength: 80 }),
      (kind, text) => {
        const read = readIdentifier(kind, text);
        if (typeof read === 'string') return;
        expect(['raw', 'md5', 'sha256']).toContain(read.form);
      },
    ),
  );
});
