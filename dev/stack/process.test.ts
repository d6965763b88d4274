import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startProcess } from './process.ts';

const SERVE = `
  process.on('SIGTERM', () => { console.log('stopping'); process.exit(0); });
  setTimeout(() => console.log('ready to serve'), 50);
  setInterval(() => undefined, 1000);`;

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'signalbox-process-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

function script(source: string) {
  return { name: 'script', command: process.execPath, args: ['-e', source], logFile: join(directory, 'log') };
}

test('a process is ready when its log has the line, stops on SIGTERM, and starts again', async () => {
  const running = await startProcess({ ...script(SERVE), ready: { line: 'ready to serve' } });
  const first = running.pid;
  await running.restart();
  expect(running.pid).not.toBe(first);
  await running.stop();
  expect(running.pid).toBeUndefined();
  const log = readFileSync(running.logFile, 'utf8');
  expect(log.match(/ready to serve\nstopping/g)).toHaveLength(2);
});

test('a process that ends early is an error which shows the end of its log', async () => {
  const source = 'console.error("the port is taken"); process.exit(3)';
  const started = startProcess({ ...script(source), ready: { line: 'never' } });
  await expect(started).rejects.toThrow(/ended before it was ready[\s\S]*the port is taken/);
});

test('a command that does not exist is an error', async () => {
  const started = startProcess({ ...script(''), command: join(directory, 'nothing') });
  await expect(started).rejects.toThrow('script cannot be started');
});

test('only an unexpected end is reported', async () => {
  const reasons: string[] = [];
  const onUnexpectedExit = (reason: string) => reasons.push(reason);
  const killed = await startProcess({ ...script(SERVE), ready: { line: 'ready' }, onUnexpectedExit });
  await killed.kill();
  expect(reasons).toEqual([]);
  await killed.restart();
  killed.signal('SIGQUIT');
  await expect.poll(() => reasons).toEqual(['SIGQUIT']);
});
