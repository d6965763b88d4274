import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export type GuardMessage =
  | { watch: number; signal: NodeJS.Signals }
  | { forget: number }
  | { remove: string }
  | { keep: string };

const GUARDIAN = fileURLToPath(new URL('./guardian.ts', import.meta.url));
const watched = new Map<number, NodeJS.Signals>();
const doomed = new Set<string>();
let guardian: ChildProcess | undefined;

function startGuardian(): ChildProcess {
  const child = spawn(process.execPath, [GUARDIAN], { detached: true, stdio: ['pipe', 'ignore', 'inherit'] });
  child.unref();
  // The pipe must not keep this process alive either; the types do not say that it is a socket.
  if (child.stdin !== null && 'unref' in child.stdin && typeof child.stdin.unref === 'function') {
    child.stdin.unref();
  }
  child.stdin?.on('error', () => undefined);
  child.once('exit', () => {
    if (guardian === child) guardian = undefined;
    if (watched.size > 0 || doomed.size > 0) tell();
  });
  return child;
}

/** Sends the messages to the guardian; a new guardian first learns all that is watched. */
function tell(...messages: GuardMessage[]): void {
  let sent = messages;
  if (guardian === undefined) {
    guardian = startGuardian();
    sent = [
      ...[...watched].map(([watch, signal]) => ({ watch, signal })),
      ...[...doomed].map((remove) => ({ remove })),
    ];
  }
  for (const message of sent) guardian.stdin?.write(`${JSON.stringify(message)}\n`);
}

/** Starts the guardian ahead, so that nothing is spawned before somebody can watch it. */
export function startGuard(): void {
  if (guardian === undefined) tell();
}

/** From now on the process group of `pid` ends with this process, however this process ends. */
export function watchProcess(pid: number, signal: NodeJS.Signals): void {
  watched.set(pid, signal);
  tell({ watch: pid, signal });
}

export function forgetProcess(pid: number): void {
  if (watched.delete(pid)) tell({ forget: pid });
}

/** The directory is removed when this process ends, unless it is released before. */
export function removeAtEnd(directory: string): void {
  doomed.add(directory);
  tell({ remove: directory });
}

export function releaseDirectory(directory: string): void {
  if (doomed.delete(directory)) tell({ keep: directory });
}
