import type { Db } from '../core/database.ts';

/** Event names per app. The limit exists because names made from IDs or times would fill the table. */
export const MAX_EVENT_NAMES = 2_000;

export interface EventNames {
  /** Looks up the numbers of names, and numbers new names. A name beyond the app's limit has no number. */
  numbersOf(appId: string, names: readonly string[], now: Date): Promise<ReadonlyMap<string, number>>;
}

/** Caches the numbers, which never change, so that a process asks for each name once. */
export function createEventNames(db: Db): EventNames {
  const apps = new Map<string, Map<string, number>>();
  return {
    async numbersOf(appId, names, now) {
      const known = apps.get(appId) ?? new Map<string, number>();
      apps.set(appId, known);
      const missing = [...new Set(names)].filter((name) => !known.has(name));
      if (missing.length > 0) {
        const held = await findNames(db, appId, missing);
        const added = missing.filter((name) => !held.some((one) => one.name === name)).toSorted();
        await insertNames(db, appId, added.slice(0, await roomOf(db, appId)), now);
        for (const { name, no } of await findNames(db, appId, missing)) known.set(name, no);
      }
      return known;
    },
  };
}

async function roomOf(db: Db, appId: string): Promise<number> {
  const { count } = await db
    .selectFrom('event_names')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('app_id', '=', appId)
    .executeTakeFirstOrThrow();
  return Math.max(0, MAX_EVENT_NAMES - count);
}

async function insertNames(db: Db, appId: string, names: readonly string[], now: Date): Promise<void> {
  if (names.length === 0) return;
  await db
    .insertInto('event_names')
    .values(names.map((name) => ({ app_id: appId, name, created_at: now })))
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

export interface EventName {
  readonly no: number;
  readonly name: string;
  readonly anonymous: boolean;
}

export async function findNames(db: Db, appId: string, names: readonly string[]): Promise<EventName[]> {
  if (names.length === 0) return [];
  return await db
    .selectFrom('event_names')
    .select(['no', 'name', 'anonymous'])
    .where('app_id', '=', appId)
    .where('name', 'in', names)
    .execute();
}

/** All event names of the app, for writing rules. */
export async function listNames(db: Db, appId: string): Promise<string[]> {
  const rows = await db
    .selectFrom('event_names')
    .select('name')
    .where('app_id', '=', appId)
    .orderBy('name')
    .execute();
  return rows.map(({ name }) => name);
}
