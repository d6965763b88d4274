import type { Platform } from '../../domain/platform.ts';
import { type SeededPush, seedPerson, seedPush, seedTask } from '../../test/fixtures/ledger-fixture.ts';
import type { TestApi } from '../../test/fixtures/test-api.ts';

/** A push sent to five devices a minute ago. */
export async function pushTo(api: TestApi, appId: string, platform: Platform): Promise<SeededPush> {
  const { db } = api.deps;
  const startedAt = new Date(api.clock.now.getTime() - 60_000);
  const { personId } = await seedPerson(db, startedAt, appId);
  const taskId = await seedTask(db, { appId, personId, now: startedAt });
  const deliveries = Array.from({ length: 5 }, () => ({ status: 'accepted', platform }) as const);
  return await seedPush(db, { appId, taskId, startedAt, deliveries });
}
