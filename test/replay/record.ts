import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import type { World } from '../world/world.ts';

export const HISTORIES = fileURLToPath(new URL('./histories/', import.meta.url));

const OF_TASKS = [
  'single',
  'manual',
  'manual-continued',
  'paused',
  'expired',
  'rejected',
  'native-cancel',
  'frozen-audience',
  'recurring',
  'recurring-paused',
  'trigger',
  'trigger-hours',
] as const;

const OF_PUSHES = [
  'push',
  'push-all-held',
  'push-cancelled',
  'push-continued',
  'push-empty',
  'push-failed',
  'push-fenced-ahead',
  'push-held',
  'push-held-continued',
  'push-in-parts',
  'push-joined',
  'push-joined-continued',
  'push-joined-held',
  'push-joined-to-the-end',
  'push-waves',
  'push-window-closed',
] as const;

/** The names that `test/signals.workflow.test.ts` sends with bad payloads. */
const BAD_SIGNALS = [
  'pause',
  'resume',
  'cancel',
  'send',
  'withdraw',
  'setRate',
  'delete',
  'aprove',
  'reject',
];

type Path = (typeof OF_TASKS)[number] | (typeof OF_PUSHES)[number] | `bad-signal-${string}`;

/** Every path whose history must be recorded. */
export const PATHS: readonly Path[] = [
  ...OF_TASKS,
  ...OF_PUSHES,
  ...BAD_SIGNALS.map((name) => `bad-signal-${name}` as const),
];

/** Stores the history of a workflow if RECORD_HISTORIES=1, so that tests replay it with later code. */
export async function recordHistory(world: World, workflowId: string, name: Path): Promise<void> {
  if (process.env['RECORD_HISTORIES'] !== '1') return;
  const history = await world.env.client.workflow.getHandle(workflowId).fetchHistory();
  // A replay does not depend on the process and machine that made the history.
  const text = historyToJSON(history).replaceAll(/"identity": ?"[^"]*"/g, '"identity":"worker"');
  mkdirSync(HISTORIES, { recursive: true });
  writeFileSync(`${HISTORIES}${name}.json`, `${JSON.stringify(JSON.parse(text))}\n`);
}
