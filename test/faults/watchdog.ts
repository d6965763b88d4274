import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sql } from 'kysely';
import type { Scene } from './scene.ts';
import { holds } from './until.ts';

const FINISH_MS = 120_000;
/** A push that had just begun when the faults ended gets the time that its devices take. */
const PER_DEVICE_MS = 1;
const POLL_MS = 300;

interface Unfinished {
  readonly id: string;
  readonly no: number;
  readonly status: string;
}

async function unfinished({ db }: Scene, taskIds: readonly string[]): Promise<Unfinished[]> {
  const rows = await db
    .selectFrom('tasks as t')
    .leftJoin('pushes as p', 'p.task_id', 't.id')
    .select(['t.id as taskId', 't.status as taskStatus', 'p.id', 'p.no', 'p.status'])
    .where('t.id', 'in', taskIds)
    .execute();
  return rows
    .filter(({ taskStatus, status }) => taskStatus !== 'collecting' || status !== 'collecting')
    .map(({ taskId, taskStatus, id, no, status }) => ({
      id: id ?? taskId,
      no: no ?? 0,
      status: `task ${taskStatus}, push ${status}`,
    }));
}

/** Waits until all pushes have finished sending. Returns the state of each push that did not. */
export async function awaitFinish(
  scene: Scene,
  taskIds: readonly string[],
  devices: number,
): Promise<string[]> {
  const limit = FINISH_MS + devices * PER_DEVICE_MS;
  if (await holds(async () => (await unfinished(scene, taskIds)).length === 0, limit, POLL_MS)) return [];
  const left = await unfinished(scene, taskIds);
  for (const push of left) await dumpState(scene, push);
  return left.map(({ id, status }) => `${id}: ${status}; its state is in ${scene.directory}`);
}

async function dumpState(scene: Scene, push: Unfinished): Promise<void> {
  const { db, stack, directory } = scene;
  const [leases, control] = await Promise.all([
    db.selectFrom('leases').selectAll().where('push_no', '=', push.no).orderBy('lease_no').execute(),
    db.selectFrom('push_control').selectAll().where('push_no', '=', push.no).execute(),
  ]);
  const { rows: active } = await activity(scene);
  const parts = [
    push.status,
    ...(['describe', 'stack', 'show'] as const).map((command) => temporal(stack, command, push.id)),
    ...[{ control }, { leases }, { active }].map((part) => JSON.stringify(part, null, 1)),
  ];
  writeFileSync(join(directory, `${push.id}.txt`), parts.join('\n\n'));
}

async function activity({ db }: Scene) {
  return await sql`select pid, application_name, state, wait_event_type, wait_event, xact_start, left(query, 200) as query
    from pg_stat_activity where datname = current_database()`.execute(db);
}

function temporal(stack: Scene['stack'], command: string, workflowId: string): string {
  try {
    const args = ['workflow', command, '--workflow-id', workflowId, '--address', stack.temporalAddress];
    return execFileSync(stack.temporalCli, args, { encoding: 'utf8', timeout: 20_000 });
  } catch (error) {
    return `temporal workflow ${command}: ${error}`;
  }
}
