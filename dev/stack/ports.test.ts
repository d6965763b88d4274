import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { freePort } from './ports.ts';

test('a preferred port is taken when it is free, and another one when it is not', async () => {
  const preferred = await freePort();
  expect(await freePort(preferred)).toBe(preferred);
  const server = createServer();
  await new Promise<void>((listening) => server.listen(preferred, '127.0.0.1', listening));
  expect(await freePort(preferred)).not.toBe(preferred);
  await new Promise((closed) => server.close(closed));
});
