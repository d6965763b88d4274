import type { OpenFile } from './file-opening.ts';

/** The longest accepted row. A token of 4 KB and 50 attributes fit several times. */
export const MAX_LINE = 65_536;

export interface Line {
  readonly no: number;
  /** Null for a line above the maximum length, whose text is not kept. */
  readonly text: string | null;
}

/** A position at the end of a line: the numbers of lines and bytes before it. */
export interface Place {
  readonly lines: number;
  readonly bytes: number;
}

export interface Lines {
  readonly lines: readonly Line[];
  /** The end of the last line. */
  readonly end: Place;
}

const NEWLINE = 10;

/**
 * Splits a file into lines, a batch for each chunk, and holds no more than one chunk and one line.
 * A row is one physical line, so that an unclosed quote costs its own row and nothing after it.
 * Bytes that are not of the encoding become U+FFFD, which no field accepts.
 */
export async function* linesOf(file: OpenFile, from: Place): AsyncGenerator<Lines> {
  const decoder = new TextDecoder(file.encoding, { ignoreBOM: from.bytes > 0 });
  const splitter = createSplitter(from.lines, file.newline);
  let [read, end] = [from.bytes, from];
  for await (const chunk of file.chunks) {
    const lines = splitter.push(decoder.decode(chunk, { stream: true }));
    if (lines.length > 0) {
      const bytes = file.isResumable ? read + chunk.lastIndexOf(NEWLINE) + 1 : from.bytes;
      end = { lines: end.lines + lines.length, bytes };
    }
    read += chunk.length;
    yield { lines, end };
  }
  const last = [...splitter.push(decoder.decode()), ...splitter.end()];
  yield { lines: last, end: { lines: end.lines + last.length, bytes: read } };
}

function createSplitter(linesBefore: number, newline: string) {
  let no = linesBefore;
  let rest = '';
  let isTooLong = false;
  const take = (text: string): Line => {
    const whole = rest + text;
    const line = { no: ++no, text: isTooLong || whole.length > MAX_LINE ? null : withoutCr(whole) };
    rest = '';
    isTooLong = false;
    return line;
  };
  return {
    push(text: string): Line[] {
      const parts = text.split(newline);
      const last = parts.pop() ?? '';
      const lines = parts.map(take);
      isTooLong ||= rest.length + last.length > MAX_LINE;
      rest = isTooLong ? '' : rest + last;
      return lines;
    },
    end: (): Line[] => (rest === '' && !isTooLong ? [] : [take('')]),
  };
}

function withoutCr(text: string): string {
  return text.endsWith('\r') ? text.slice(0, -1) : text;
}
