import type { Db } from './database.ts';

export interface AppAct {
  readonly appId: string;
  readonly personId: string;
  readonly verb: string;
  /** Numbers, never whom it was about: the audit is kept for ever. */
  readonly detail: string;
  readonly now: Date;
}

/** What a person did to the app as a whole, not to one of its tasks. */
export async function insertAppAct(db: Db, { appId, personId, verb, detail, now }: AppAct): Promise<void> {
  await db
    .insertInto('audit')
    .values({
      ...{ app_id: appId, task_id: null, submission: null, seq: null, at: now, person_id: personId },
      ...{ verb, via: 'api', revision: null, outcome: 'done', detail },
    })
    .execute();
}
