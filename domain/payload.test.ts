import fc from 'fast-check';
import { expect, test } from 'vitest';
import { matching, nullable, oneOf, optional, payloadReader, text, trimmed, whole } from './payload.ts';

const read = payloadReader({
  by: matching(/^person-\d+$/, 'must be a person'),
  rate: nullable(whole(1, 10)),
  mood: oneOf(['good', 'bad']),
  remark: optional(trimmed(text(5, 1))),
});

const GOOD = { by: 'person-1', rate: null, mood: 'good' } as const;

test('known fields are read, and missing optional fields stay absent', () => {
  expect(read({ ...GOOD, remark: ' hm ' })).toEqual({ ok: true, payload: { ...GOOD, remark: 'hm' } });
  expect(read({ ...GOOD, remark: undefined })).toEqual({ ok: true, payload: GOOD });
});

test('text is trimmed only by `trimmed`, and unknown fields can be left out', () => {
  const loose = payloadReader({ code: text(3) }, 'left out');
  expect(loose({ code: ' a ', more: 1 })).toEqual({ ok: true, payload: { code: ' a ' } });
  expect(loose({ code: '    ' }).ok).toBe(false);
});

test('every fault is named with its field', () => {
  expect(read({ by: 'me', rate: 11, remark: '', extra: 1 })).toEqual({
    ok: false,
    reason:
      'extra: is not a known field; by: must be a person; rate: must be a whole number from 1 to 10; mood: is missing; ' +
      'remark: must have 1 to 5 characters',
  });
});

test.each([
  { rate: 0 },
  { rate: 1.5 },
  { rate: '3' },
  { mood: 'GOOD' },
  { by: 7 },
])('%j is refused', (change) => {
  expect(read({ ...GOOD, ...change }).ok).toBe(false);
});

test('the reader never throws, and returns known fields only', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.anything(), fc.object({ key: fc.constantFrom('by', 'rate', 'mood', 'x') })),
      (value) => {
        const answer = read(value);
        if (answer.ok) expect(Object.keys(answer.payload)).not.toContain('x');
        else expect(answer.reason).not.toBe('');
      },
    ),
  );
});
