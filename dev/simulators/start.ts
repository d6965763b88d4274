import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { SimulatorConfigInput } from './config.ts';
import { type ControlClient, createControlClient } from './control-client.ts';
import type { SimulatorAddresses } from './simulators.ts';

const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url));

export interface RunningSimulators extends SimulatorAddresses {
  /** PEM of the authority that signed their certificates. */
  readonly ca: string;
  readonly process: ChildProcess;
  readonly control: ControlClient;
  stop(): Promise<void>;
}

/** Starts the simulators in a process of their own, which ends with this one. */
export async function startSimulators(config: SimulatorConfigInput): Promise<RunningSimulators> {
  const directory = mkdtempSync(join(tmpdir(), 'signalbox-simulators-'));
  const file = join(directory, 'config.json');
  writeFileSync(file, JSON.stringify(config), { mode: 0o600 });
  const child = spawn(process.execPath, [MAIN, '--config', file], {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  const exited = once(child, 'exit');
  try {
    const addresses = await Promise.race([readyLine(child), exited.then(failedToStart)]);
    return {
      ...addresses,
      ca: readFileSync(addresses.caFile, 'utf8'),
      process: child,
      control: createControlClient(addresses.controlUrl),
      async stop() {
        child.kill('SIGTERM');
        await exited;
      },
    };
  } catch (error) {
    child.kill('SIGTERM');
    throw error;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function readyLine(child: ChildProcess): Promise<SimulatorAddresses> {
  if (child.stdout === null) throw new Error('The simulators have no output');
  const lines = createInterface({ input: child.stdout });
  const [line] = (await once(lines, 'line')) as [string];
  return JSON.parse(line) as SimulatorAddresses;
}

function failedToStart([code]: readonly unknown[]): never {
  throw new Error(`The simulators ended with code ${code} before they were ready`);
}
