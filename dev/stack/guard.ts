import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export type WatchdogMessage =
  | { watch: number; signal: NodeJS.Signals }
  | { forget: number }
  | { remove: string }
  | { keep: string };

const WATCHDOG = fileURLToPath(new URL('./watchdog.ts', import.meta.url));
const watched = new Map<number, NodeJS.Signals>();
const removedAtEnd = new Set<string>();
let watchdog: ChildProcess | undefined;

function startWatchdog(): ChildProcess {
  const child = spawn(process.execPath, [WATCHDOG], { detached: true, stdio: ['pipe', 'ignore', 'inherit'] });
  child.unref();
  // The pipe must not keep this process alive either; the types do not say that it is a socket.
  if (child.stdin !== null && 'unref' in child.stdin && typeof child.stdin.unref === 'function') {
    child.stdin.unref();
  }
  child.stdin?.on('error', () => undefined);
  child.once('exit', () => {
    if (watchdog === child) watchdog = undefined;
    if (watched.size > 0 || removedAtEnd.size > 0) send();
  });
  return child;
}

/** Sends the messages to the watchdog. A new watchdog first gets the full list of processes. */
function send(...messages: WatchdogMessage[]): void {
  let sent = messages;
  if (watchdog === undefined) {
    watchdog = startWatchdog();
    sent = [
      ...[...watched].map(([watch, signal]) => ({ watch, signal })),
      ...[...removedAtEnd].map((remove) => ({ remove })),
    ];
  }
  for (const message of sent) watchdog.stdin?.write(`${JSON.stringify(message)}\n`);
}

/** The watchdog starts before the processes that it watches. */
export function startGuard(): void {
  if (watchdog === undefined) send();
}

/** Ends the process group of `pid` when this process ends, in whichever way it ends. */
export function watchProcess(pid: number, signal: NodeJS.Signals): void {
  watched.set(pid, signal);
  send({ watch: pid, signal });
}

export function forgetProcess(pid: number): void {
  if (watched.delete(pid)) send({ forget: pid });
}

/** The directory is removed when this process ends, unless it is released before. */
export function removeAtEnd(directory: string): void {
  removedAtEnd.add(directory);
  send({ remove: directory });
}

export function releaseDirectory(directory: string): void {
  if (removedAtEnd.delete(directory)) send({ keep: directory });
}
