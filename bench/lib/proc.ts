import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

const TICK_MS = 1000 / Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

interface Stat {
  readonly parent: number;
  /** CPU of the process itself, and of its ended children. */
  readonly ownMs: number;
  readonly endedMs: number;
}

/** Undefined once the process has ended. */
function statOf(pid: number): Stat | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return undefined;
  }
  // The name, in brackets, can hold any characters. The state and numbers follow.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const at = (index: number) => Number(fields[index]);
  return { parent: at(1), ownMs: (at(11) + at(12)) * TICK_MS, endedMs: (at(13) + at(14)) * TICK_MS };
}

function childrenOf(pid: number): number[] {
  const numbers = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return numbers.map(Number).filter((child) => statOf(child)?.parent === pid);
}

/** All CPU that a process and its children have used so far. Children that have ended count. */
export function cpuMsOfTree(pid: number): number {
  const root = statOf(pid);
  if (root === undefined) return 0;
  const living = childrenOf(pid).map((child) => statOf(child)?.ownMs ?? 0);
  return root.ownMs + root.endedMs + living.reduce((sum, ms) => sum + ms, 0);
}

/** The largest resident size so far. */
export function peakRssMb(pid: number): number {
  return Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
}

/** Memory of a process and its children. Shared memory counts once. */
export function memoryMbOfTree(pid: number): number {
  return [pid, ...childrenOf(pid)].reduce((sum, each) => sum + proportionalMb(each), 0);
}

function proportionalMb(pid: number): number {
  try {
    return (
      Number(/^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0) / 1024
    );
  } catch {
    return 0;
  }
}
