import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { useFaultTexts } from './fault-texts.ts';
import { jsonPointer, zodFaults } from './validation.ts';

beforeAll(useFaultTexts);
afterAll(() => z.config({ customError: undefined }));

function faultsOf(schema: z.ZodType, value: unknown): string[] {
  const { error } = schema.safeParse(value);
  if (error === undefined) return [];
  return zodFaults(error, (path) => ({ pointer: jsonPointer(path) })).map(
    ({ pointer, detail }) => `${pointer} ${detail}`,
  );
}

const name = z.strictObject({ name: z.string().min(1).max(5) });

test.each<[z.ZodType, unknown, string]>([
  [name, undefined, ' must be a JSON object; send it as application/json'],
  [name, {}, '/name is required'],
  [name, { name: 7 }, '/name must be a string, not a number'],
  [name, { name: null }, '/name must be a string, not null'],
  [name, { name: '' }, '/name must not be empty'],
  [name, { name: 'longer' }, '/name must have at most 5 characters'],
  [name, { name: 'ok', nme: 1 }, '/nme is not a known field'],
  [z.enum(['single', 'manual']), 'twice', ' must be one of "single", "manual"'],
  [z.object({ on: z.literal('all') }), { on: 'one' }, '/on must be "all"'],
  [z.array(z.number()).length(2), [1], ' must have exactly 2 items'],
  [z.number().int(), 1.5, ' must be a whole number, not 1.5'],
  [z.number().min(1), 0, ' must be at least 1'],
  [z.number().lt(9), 9, ' must be less than 9'],
  [z.coerce.number(), 'many', ' must be a number, not text'],
  [z.url({ protocol: /^https$/ }), 'http://shop.example', ' must be an address that begins with https://'],
  [z.url(), 'shop', ' must be an address, such as https://shop.example/sale'],
  [z.iso.datetime(), 'tomorrow', ' must be a time with an offset, such as 2027-01-31T09:00:00+08:00'],
  [
    z.record(z.string().regex(/^\w+$/, 'must have only letters, digits and _'), z.string()),
    { 'first name': 'Mei' },
    '/first name must have only letters, digits and _',
  ],
])('the words of a fault, %#', (schema, value, text) => {
  expect(faultsOf(schema, value)).toEqual([text]);
});

const forms = z.union([
  z.strictObject({ id: z.string() }),
  z.strictObject({ rule: z.strictObject({ days: z.number() }), name: z.string() }),
  z.null(),
]);

const kinds = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('day'), hour: z.number() }),
  z.strictObject({ kind: z.literal('week') }),
]);

test('a value whose kind is unknown is told the kinds', () => {
  expect(faultsOf(kinds, { kind: 'year' })).toEqual(['/kind must be one of "day", "week"']);
  expect(faultsOf(kinds, {})).toEqual(['/kind must be one of "day", "week"']);
  expect(faultsOf(kinds, { kind: 'day' })).toEqual(['/hour is required']);
  expect(faultsOf(z.union([z.string(), kinds]), { kind: 'day' })).toEqual(['/hour is required']);
  expect(faultsOf(z.union([z.string(), z.union([z.number(), kinds])]), { kind: 'day', hour: '9' })).toEqual([
    '/hour must be a number, not a string',
  ]);
});

test('a value of several forms has the faults of the nearest form, each with its place', () => {
  expect(faultsOf(z.object({ audience: forms }), { audience: { id: 5 } })).toEqual([
    '/audience/id must be a string, not a number',
  ]);
  expect(faultsOf(forms, { rule: { days: 'x' }, name: 'A' })).toEqual([
    '/rule/days must be a number, not a string',
  ]);
  expect(faultsOf(z.union([z.string(), z.number()]), true)).toEqual([
    ' must be a string, not true, or must be a number, not true',
  ]);
});
