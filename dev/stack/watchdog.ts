import { rmSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import type { WatchdogMessage } from './guard.ts';

// The watchdog is a process that outlives its parent, whatever ends the parent (kill -9 included). The end of
// the parent closes the watchdog's standard input, and the watchdog then stops every process group that it
// watches.

const GRACE_MS = 5_000;
const LAST_WAIT_MS = 2_000;
const watched = new Map<number, NodeJS.Signals>();
const removedAtEnd = new Set<string>();

function handle(message: WatchdogMessage): void {
  if ('watch' in message) watched.set(message.watch, message.signal);
  if ('forget' in message) watched.delete(message.forget);
  if ('remove' in message) removedAtEnd.add(message.remove);
  if ('keep' in message) removedAtEnd.delete(message.keep);
}

function signalGroup(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(-pid, signal);
  } catch {
    return false;
  }
}

async function waitUntilGone(limitMs: number): Promise<void> {
  const deadline = Date.now() + limitMs;
  while (Date.now() < deadline) {
    for (const pid of watched.keys()) if (!signalGroup(pid, 0)) watched.delete(pid);
    if (watched.size === 0) return;
    await sleep(50);
  }
}

async function cleanUp(): Promise<void> {
  for (const [pid, signal] of watched) signalGroup(pid, signal);
  await waitUntilGone(GRACE_MS);
  for (const pid of watched.keys()) signalGroup(pid, 'SIGKILL');
  await waitUntilGone(LAST_WAIT_MS);
  for (const directory of removedAtEnd) rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);

for await (const line of createInterface({ input: process.stdin })) handle(JSON.parse(line));
await cleanUp();
