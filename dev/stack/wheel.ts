import { inflateRawSync } from 'node:zlib';

const END_OF_DIRECTORY = 0x06054b50;
const DIRECTORY_ENTRY = 0x02014b50;
const END_LENGTH = 22;
const ENTRY_LENGTH = 46;
const LOCAL_HEADER_LENGTH = 30;
const STORED = 0;

function endOfDirectory(zip: Buffer): number {
  for (let at = zip.length - END_LENGTH; at >= 0; at--)
    if (zip.readUInt32LE(at) === END_OF_DIRECTORY) return at;
  throw new Error('not a zip file');
}

/** The content of the first file of a zip (a Python wheel is one) whose path ends so. Knows no zip64. */
export function readFromZip(zip: Buffer, ending: string): Buffer {
  const end = endOfDirectory(zip);
  let at = zip.readUInt32LE(end + 16);
  for (let left = zip.readUInt16LE(end + 10); left > 0; left--) {
    if (zip.readUInt32LE(at) !== DIRECTORY_ENTRY) throw new Error('the zip directory is damaged');
    const nameLength = zip.readUInt16LE(at + 28);
    const name = zip.toString('utf8', at + ENTRY_LENGTH, at + ENTRY_LENGTH + nameLength);
    if (name.endsWith(ending)) return readEntry(zip, at);
    at += ENTRY_LENGTH + nameLength + zip.readUInt16LE(at + 30) + zip.readUInt16LE(at + 32);
  }
  throw new Error(`no file ends with ${ending}`);
}

function readEntry(zip: Buffer, at: number): Buffer {
  const compressedLength = zip.readUInt32LE(at + 20);
  const local = zip.readUInt32LE(at + 42);
  // The lengths of name and extra field are those of the local header: they may differ from the directory's.
  const start = local + LOCAL_HEADER_LENGTH + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28);
  const content = zip.subarray(start, start + compressedLength);
  return zip.readUInt16LE(at + 10) === STORED ? content : inflateRawSync(content);
}
