import fc from 'fast-check';
import { expect, test } from 'vitest';
import { openFile, resumedFile } from './file-opening.ts';
import { MEMBER_COLUMNS, toMember } from './member-rows.ts';
import { newTally, readRows, type Tally } from './rows.ts';

const READER = { known: MEMBER_COLUMNS, required: [], read: toMember };
type MemberTally = Tally<(typeof MEMBER_COLUMNS)[number]>;

async function* chunksOf(bytes: Buffer, size: number, breaksOff: boolean): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
  if (breaksOff) throw new Error('cut');
}

/** The rows that were yielded before the end or the interruption. */
async function read(bytes: Buffer, size: number, tally: MemberTally, breaksOff = false): Promise<unknown[]> {
  const rows: unknown[] = [];
  try {
    const chunks = chunksOf(bytes, size, breaksOff);
    const file = tally.place.bytes > 0 ? resumedFile(chunks) : await openFile(chunks);
    for await (const batch of readRows(file, 'csv', READER, tally)) rows.push(...batch);
  } catch (error) {
    expect(error).toMatchObject({ message: 'cut' });
  }
  return rows;
}

test('an interruption anywhere in a file loses no row, when the rest is read from the place of the tally', async () => {
  const line = fc.constantFrom(
    '',
    'a,',
    ',b',
    'ü🙂,',
    ',"x ""y"""',
    '"open,',
    'a,b,c',
    '\u{feff}z,',
    'a b,',
    'r,\r',
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(line, { maxLength: 12 }),
      fc.boolean(),
      fc.integer({ min: 1, max: 30 }),
      fc.nat(200),
      async (lines, endsInNewline, size, cut) => {
        const text = `device_id,user_id\n${lines.join('\n')}${endsInNewline ? '\n' : ''}`;
        // The cut may split a character, and 0xff is not valid UTF-8.
        const bytes = Buffer.concat([Buffer.from(text), Buffer.from([0xff, 0x0a])]);
        const [whole, parts] = [newTally() as MemberTally, newTally() as MemberTally];
        const expected = await read(bytes, size, whole);
        const first = await read(bytes.subarray(0, cut % bytes.length), size, parts, true);
        const rest = await read(bytes.subarray(parts.place.bytes), size, parts);
        expect([...first, ...rest]).toEqual(expected);
        expect({ ...parts, report: parts.report.counts() }).toEqual({
          ...whole,
          report: whole.report.counts(),
        });
        expect(whole.place.bytes).toBe(bytes.length);
      },
    ),
    { numRuns: 500 },
  );
});
