import { sql } from 'kysely';
import { expect, test } from 'vitest';
import type { AudienceRule } from '../../domain/audiences/audience-rule.ts';
import { PLATFORMS } from '../../domain/platform.ts';
import { seedPerson } from '../../test/fixtures/ledger-fixture.ts';
import { useTestDatabase } from '../../test/setup/database.ts';
import { estimate } from './estimate.ts';

const database = useTestDatabase();
const now = new Date('2026-11-22T10:10:00Z');

test('an estimate that takes too long is cancelled, and its connection stays usable', async () => {
  const { db } = database;
  const { appId } = await seedPerson(db, now);
  const rule: AudienceRule = { field: 'tags', op: 'any', value: ['x'] };
  const planning = {
    appId,
    now,
    platforms: PLATFORMS,
    exclusions: [],
    devices: 'all',
    from: { rule },
  } as const;
  await db.transaction().execute(async (trx) => {
    await sql`lock table devices in access exclusive mode`.execute(trx);
    await expect(estimate(db, planning, { timeoutMs: 100 })).rejects.toMatchObject({ code: '57014' });
  });
  expect(await estimate(db, planning, { timeoutMs: 5_000 })).toMatchObject({
    planned: 0,
    matched: 0,
    sample: [],
  });
  const { rows } = await sql`select current_setting('statement_timeout') as limit`.execute(db);
  expect(rows).toEqual([{ limit: '0' }]);
});
