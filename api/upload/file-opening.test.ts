import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { openFile } from './file-opening.ts';
import { UPLOAD_BYTES } from './upload-limit.ts';

async function* once(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes;
}

test('a small gzip file that unpacks to more than the limit is refused', async () => {
  const part = gzipSync('x'.repeat(8_000_000));
  const bomb = Buffer.concat(Array.from({ length: UPLOAD_BYTES / 8_000_000 + 1 }, () => part));
  expect(bomb.length).toBeLessThan(2_000_000);
  const drain = async () => {
    const { chunks } = await openFile(once(bomb));
    for await (const _ of chunks);
  };
  await expect(drain()).rejects.toMatchObject({ code: 'payload_too_large' });
}, 30_000);
