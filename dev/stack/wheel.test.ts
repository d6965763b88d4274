import { crc32, deflateRawSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { readFromZip } from './wheel.ts';

interface Part {
  name: string;
  content: string;
  isStored: boolean;
}

function header(signature: number, length: number, part: Part, data: Buffer, at: number): Buffer {
  const bytes = Buffer.alloc(length);
  bytes.writeUInt32LE(signature, 0);
  bytes.writeUInt16LE(part.isStored ? 0 : 8, at);
  bytes.writeUInt32LE(crc32(part.content), at + 6);
  bytes.writeUInt32LE(data.length, at + 10);
  bytes.writeUInt32LE(part.content.length, at + 14);
  bytes.writeUInt16LE(part.name.length, at + 18);
  return bytes;
}

function zip(parts: readonly Part[]): Buffer {
  const files: Buffer[] = [];
  const directory: Buffer[] = [];
  for (const part of parts) {
    const data = part.isStored ? Buffer.from(part.content) : deflateRawSync(part.content);
    const entry = header(0x02014b50, 46, part, data, 10);
    entry.writeUInt32LE(Buffer.concat(files).length, 42);
    directory.push(entry, Buffer.from(part.name));
    files.push(header(0x04034b50, 30, part, data, 8), Buffer.from(part.name), data);
  }
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(parts.length, 10);
  end.writeUInt32LE(Buffer.concat(files).length, 16);
  return Buffer.concat([...files, ...directory, end]);
}

const WHEEL = zip([
  { name: 'x.dist-info/METADATA', content: 'about', isStored: true },
  { name: 'x.data/scripts/tool', content: 'the tool '.repeat(1_000), isStored: false },
]);

test('a file is found in a wheel by the end of its path, compressed or not', () => {
  expect(readFromZip(WHEEL, '/scripts/tool').toString()).toBe('the tool '.repeat(1_000));
  expect(readFromZip(WHEEL, 'METADATA').toString()).toBe('about');
});

test('a missing file and a file that is no zip are told apart', () => {
  expect(() => readFromZip(WHEEL, '/scripts/other')).toThrow('no file ends with /scripts/other');
  expect(() => readFromZip(Buffer.alloc(100), 'tool')).toThrow('not a zip file');
});
