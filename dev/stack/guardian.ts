import { rmSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import type { GuardMessage } from './guard.ts';

// A process of its own that outlives the one that started it, whatever ends that one (kill -9 included): its
// standard input then closes, and it stops every process group that it was told to watch.

const GRACE_MS = 5_000;
const LAST_WAIT_MS = 2_000;
const watched = new Map<number, NodeJS.Signals>();
const doomed = new Set<string>();

function obey(message: GuardMessage): void {
  if ('watch' in message) watched.set(message.watch, message.signal);
  if ('forget' in message) watched.delete(message.forget);
  if ('remove' in message) doomed.add(message.remove);
  if ('keep' in message) doomed.delete(message.keep);
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
  for (const directory of doomed) rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);

for await (const line of createInterface({ input: process.stdin })) obey(JSON.parse(line));
await cleanUp();
