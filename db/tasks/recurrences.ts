import type { LatePolicy } from '../../domain/schedule/late-policy.ts';
import type { Recurrence } from '../../domain/schedule/recurrence.ts';
import { FIRST_ZONE } from '../../domain/schedule/waves.ts';
import { canonicalTimeZone } from '../../domain/time/time-zone.ts';
import type { Db } from '../core/database.ts';

/** The revision's recurrence, with the time zone that its times are in. */
export async function findRecurrence(
  db: Db,
  args: { taskId: string; revision: number },
): Promise<{ recurrence: Recurrence; latePolicy: LatePolicy; zone: string }> {
  const { definition, time_zone } = await db
    .selectFrom('task_revisions as r')
    .innerJoin('tasks as t', 't.id', 'r.task_id')
    .innerJoin('apps as a', 'a.id', 't.app_id')
    .select(['r.definition', 'a.time_zone'])
    .where('r.task_id', '=', args.taskId)
    .where('r.revision', '=', args.revision)
    .executeTakeFirstOrThrow();
  const { recurrence, latePolicy, local } = definition;
  if (recurrence === undefined)
    throw new Error(`Task ${args.taskId} is not recurring in revision ${args.revision}`);
  return {
    recurrence,
    latePolicy,
    zone: local === undefined ? zoneOf(recurrence.timeZone, time_zone) : FIRST_ZONE,
  };
}

/** Revisions are immutable, so that an old one may name its zone in another spelling. */
function zoneOf(own: string | undefined, ofApp: string): string {
  return canonicalTimeZone(own ?? ofApp) ?? canonicalTimeZone(ofApp) ?? 'UTC';
}

export async function zoneOfApp(db: Db, appId: string): Promise<string> {
  const app = await db
    .selectFrom('apps')
    .select('time_zone')
    .where('id', '=', appId)
    .executeTakeFirstOrThrow();
  return app.time_zone;
}

/** Selects the tasks whose pushes may become due. */
export async function listRunning(db: Db, taskIds: readonly string[]): Promise<Set<string>> {
  if (taskIds.length === 0) return new Set();
  const rows = await db
    .selectFrom('tasks')
    .select('id')
    .where('id', 'in', taskIds)
    .where('push_type', '=', 'recurring')
    .where('status', 'in', ['scheduled', 'sending', 'paused'])
    .execute();
  return new Set(rows.map(({ id }) => id));
}
