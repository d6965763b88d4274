import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { forgetProcess, startGuard, watchProcess } from './guard.ts';

/** The sign that the process is ready: a text in its log, a URL that answers 2xx, or a custom check. */
export type Readiness = { line: string } | { url: string } | { check: (pid: number) => Promise<boolean> };

export interface ProcessOptions {
  name: string;
  command: string;
  args: readonly string[];
  /** The whole environment; the caller's by default. */
  env?: NodeJS.ProcessEnv;
  cwd?: string;
  user?: { uid: number; gid: number };
  /** Standard output and error are appended here. */
  logFile: string;
  ready?: Readiness;
  readyTimeoutMs?: number;
  stopSignal?: NodeJS.Signals;
  stopTimeoutMs?: number;
  /** Called when the process ends without having been stopped or killed. */
  onUnexpectedExit?: (reason: string) => void;
}

export interface RunningProcess {
  readonly name: string;
  readonly logFile: string;
  /** Undefined when the process does not run. */
  readonly pid: number | undefined;
  /** Sends SIGTERM, and SIGKILL after a timeout. */
  stop(): Promise<void>;
  /** kill -9 of the whole process group. */
  kill(): Promise<void>;
  /** SIGSTOP, SIGCONT and the like. */
  signal(signal: NodeJS.Signals): void;
  /** Stops the process if it still runs, and starts it again with the same options. */
  restart(): Promise<void>;
}

const READY_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 15_000;
const POLL_MS = 50;
const TAIL_LINES = 30;

function launch(options: ProcessOptions): ChildProcess {
  startGuard();
  mkdirSync(dirname(options.logFile), { recursive: true });
  const log = openSync(options.logFile, 'a');
  const child = spawn(options.command, options.args, {
    // The process gets a group of its own, so that Ctrl-C reaches only the parent, which stops its children
    // in order.
    detached: true,
    stdio: ['ignore', log, log],
    env: options.env ?? process.env,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...options.user,
  });
  closeSync(log);
  const { pid } = child;
  if (pid !== undefined) {
    watchProcess(pid, options.stopSignal ?? 'SIGTERM');
    child.once('exit', () => forgetProcess(pid));
  }
  return child;
}

function hasEnded(child: ChildProcess): boolean {
  return child.pid === undefined || child.exitCode !== null || child.signalCode !== null;
}

function logSize(file: string): number {
  return existsSync(file) ? statSync(file).size : 0;
}

function readLog(file: string, offset: number): string {
  return existsSync(file) ? readFileSync(file).subarray(offset).toString('utf8') : '';
}

async function isReady(ready: Readiness, pid: number, logFile: string, offset: number): Promise<boolean> {
  // A check that throws counts as a failure, so that the process does not keep running unnoticed.
  if ('check' in ready) return ready.check(pid).catch(() => false);
  if ('line' in ready) return readLog(logFile, offset).includes(ready.line);
  const response = await fetch(ready.url, { signal: AbortSignal.timeout(2_000) }).catch(() => undefined);
  return response?.ok ?? false;
}

async function waitUntilReady(child: ChildProcess, options: ProcessOptions, offset: number): Promise<void> {
  const { name, ready, logFile } = options;
  if (ready === undefined) return;
  const limit = options.readyTimeoutMs ?? READY_TIMEOUT_MS;
  const deadline = performance.now() + limit;
  while (!hasEnded(child)) {
    if (child.pid !== undefined && (await isReady(ready, child.pid, logFile, offset))) return;
    if (performance.now() > deadline) break;
    await sleep(POLL_MS);
  }
  const fate = hasEnded(child) ? 'ended before it was ready' : `was not ready after ${limit} ms`;
  await end(child, 'SIGKILL', 0);
  const tail = readLog(logFile, offset).trimEnd().split('\n').slice(-TAIL_LINES).join('\n');
  throw new Error(`${name} ${fate}. The end of ${logFile}:\n${tail}`);
}

function sendToGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined || hasEnded(child)) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // The process ended between the check and the signal.
  }
}

async function end(child: ChildProcess, signal: NodeJS.Signals, graceMs: number): Promise<void> {
  if (hasEnded(child)) return;
  const exited = once(child, 'exit');
  sendToGroup(child, signal);
  const timer = setTimeout(() => sendToGroup(child, 'SIGKILL'), graceMs);
  await exited;
  clearTimeout(timer);
}

/** Starts a child process that never outlives this one, and waits until it is ready. */
export async function startProcess(options: ProcessOptions): Promise<RunningProcess> {
  const expected = new WeakSet<ChildProcess>();

  async function start(): Promise<ChildProcess> {
    const offset = logSize(options.logFile);
    const started = launch(options);
    await once(started, 'spawn').catch((cause) => {
      throw new Error(`${options.name} cannot be started: ${options.command}`, { cause });
    });
    await waitUntilReady(started, options, offset);
    const report = () => {
      if (!expected.has(started)) options.onUnexpectedExit?.(`${started.signalCode ?? started.exitCode}`);
    };
    if (hasEnded(started)) report();
    else started.once('exit', report);
    return started;
  }

  async function finish(signal: NodeJS.Signals, graceMs: number): Promise<void> {
    expected.add(child);
    await end(child, signal, graceMs);
  }

  const stop = () => finish(options.stopSignal ?? 'SIGTERM', options.stopTimeoutMs ?? STOP_TIMEOUT_MS);
  let child = await start();
  return {
    name: options.name,
    logFile: options.logFile,
    get pid() {
      return hasEnded(child) ? undefined : child.pid;
    },
    stop,
    kill: () => finish('SIGKILL', 0),
    signal: (signal) => sendToGroup(child, signal),
    restart: async () => {
      await stop();
      child = await start();
    },
  };
}
