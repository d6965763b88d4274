import { execFileSync } from 'node:child_process';
import { cpus, platform, release, totalmem } from 'node:os';
import type { Pool } from 'pg';
import type { Rig } from './rig.ts';

const SETTINGS = [
  'fsync',
  'synchronous_commit',
  'full_page_writes',
  'shared_buffers',
  'max_wal_size',
  'max_connections',
];

export interface Machine {
  readonly cores: number;
  readonly cpu: string;
  readonly memoryGb: number;
  readonly system: string;
  readonly node: string;
  readonly temporal: string;
  readonly postgres: Readonly<Record<string, string>>;
}

/** The machine and versions of the measurement. */
export async function describeMachine(rig: Rig): Promise<Machine> {
  return {
    cores: cpus().length,
    cpu: cpus()[0]?.model ?? 'unknown',
    memoryGb: Math.round(totalmem() / 2 ** 30),
    system: `${platform()} ${release()}`,
    node: process.version,
    temporal: execFileSync(rig.stack.temporalCli, ['--version'], { encoding: 'utf8' }).trim(),
    postgres: await settingsOf(rig.pool),
  };
}

async function settingsOf(pool: Pool): Promise<Record<string, string>> {
  const { rows } = await pool.query<{ name: string; value: string }>(
    `select name, current_setting(name) as value from unnest($1::text[]) name`,
    [['server_version', ...SETTINGS]],
  );
  return Object.fromEntries(rows.map(({ name, value }) => [name, value]));
}
