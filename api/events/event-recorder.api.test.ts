import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { createTestApp, useTestApi } from '../../test/fixtures/test-api.ts';
import { createEventRecorder } from './event-recorder.ts';

const api = useTestApi();

test('events beyond the capacity are refused, and accepted events are stored', async () => {
  const { appId } = await createTestApp(api);
  const { db, clock } = api.deps;
  const now = await clock();
  const record = createEventRecorder(db);
  const report = (from: number, count = 1_000) => {
    const events = Array.from({ length: count }, (_, index) => ({
      index,
      id: `e${from + index}`,
      name: 'bought',
      at: now,
      properties: {},
      of: { userId: `u${from + index}` },
    }));
    return record({ appId, now, events });
  };
  await report(-1, 1);
  const taken = await db.transaction().execute(async (trx) => {
    await sql`lock table event_keys in exclusive mode`.execute(trx);
    const reports = Array.from({ length: 50 }, (_, n) => report(n * 1_000));
    expect(() => report(50_000, 1)).toThrow('Events arrive faster than they can be stored');
    return { reports };
  });
  const results = await Promise.all(taken.reports);
  expect(results.every((one) => one.size === 1_000 && [...one.values()].every((r) => r === 'counted'))).toBe(
    true,
  );
  expect((await report(50_000, 1)).get(0)).toBe('counted');
  const { rows } = await sql<{ n: number }>`select count(*) as n from events where app_id = ${appId}`.execute(
    db,
  );
  expect(rows).toEqual([{ n: 50_002 }]);
});
