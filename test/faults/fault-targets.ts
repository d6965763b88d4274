import { execFileSync } from 'node:child_process';
import { readdirSync, readlinkSync, realpathSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RunningProcess } from '../../dev/stack/process.ts';
import type { Stack } from '../../dev/stack/stack.ts';
import { insist } from './until.ts';

/** A process, or a group of processes, that can be killed and restarted. */
export interface FaultTarget {
  readonly name: string;
  readonly pid: number | undefined;
  /** Does the slow preparation first. The returned function kills at once. */
  aim(): () => Promise<void>;
  restart(): Promise<void>;
}

/**
 * Backends live in process groups of their own, so `kill -9` of the postmaster's group does not reach them.
 */
function childrenOf(pid: number): number[] {
  const table = execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' });
  const pairs = table.split('\n').map((line) => line.trim().split(/\s+/).map(Number));
  return pairs.flatMap(([child, parent]) => (parent === pid && child !== undefined ? [child] : []));
}

/** Processes that work in the cluster's directory, whatever their parent is now. */
function backendsIn(cluster: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        return readlinkSync(`/proc/${pid}/cwd`) === realpathSync(cluster) ? [Number(pid)] : [];
      } catch {
        return [];
      }
    });
}

function killAll(pids: readonly number[]): void {
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // The backend has ended in the meantime.
    }
  }
}

export function postgresOf({ postgres }: Stack): FaultTarget {
  return {
    name: 'postgres',
    get pid() {
      return postgres.pid;
    },
    aim() {
      const { pid } = postgres;
      const doomed = pid === undefined ? [] : [pid, ...childrenOf(pid)];
      return async () => {
        killAll(doomed);
        await postgres.kill();
      };
    },
    async restart() {
      // A backend forked between aim and kill may wait without end for a lock that a killed backend held.
      killAll(backendsIn(postgres.dataDir));
      await postgres.restart();
    },
  };
}

export function temporalOf({ temporal }: Stack): FaultTarget {
  return {
    name: 'temporal',
    get pid() {
      return temporal.pid;
    },
    aim: () => () => temporal.kill(),
    restart: () => temporal.restart(),
  };
}

export function processOf(child: RunningProcess): FaultTarget {
  return {
    name: child.name,
    get pid() {
      return child.pid;
    },
    aim: () => () => child.kill(),
    restart: () => child.restart(),
  };
}

/** Restarts repeatedly, as a supervisor does, because dependencies of the process may be dead, too. */
export async function revive(target: FaultTarget, afterMs: number): Promise<void> {
  await sleep(afterMs);
  await insist(`restarting ${target.name}`, () => target.restart());
}
