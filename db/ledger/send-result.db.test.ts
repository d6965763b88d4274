import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { PLATFORMS } from '../../domain/platform.ts';
import { DELIVERY_STATUSES, PLATFORM_CODE, STATUS_CODE, sendResult } from '../../domain/pushes/delivery.ts';
import { useTestDatabase } from '../../test/setup/database.ts';
import { sendOutcome, sendReasonSql, sendResultSql } from './send-result.ts';

const database = useTestDatabase();

const CASES = DELIVERY_STATUSES.flatMap((status) =>
  PLATFORMS.flatMap((platform) => [true, false].map((receipted) => ({ status, platform, receipted }))),
);

test.each(
  CASES,
)('SQL says what the domain says of $status on $platform, receipted: $receipted', async (one) => {
  const columns = {
    status: sql.ref('c.status'),
    platform: sql.ref('c.platform'),
    receipted: sql.ref('c.receipted'),
    reason: sql.ref('c.reason'),
  };
  const state = {
    status: STATUS_CODE[one.status],
    platform: PLATFORM_CODE[one.platform],
    receipted: one.receipted,
    reason: 'BadDeviceToken',
  };
  const { rows } = await sql<{ result: string | null; reason: string }>`
    select ${sendResultSql(columns)} as result, ${sendReasonSql(columns)} as reason
    from (values (${state.status}::smallint, ${state.platform}::smallint, ${state.receipted}::boolean, ${state.reason}))
      c (status, platform, receipted, reason)`.execute(database.db);
  expect(rows[0]?.result ?? undefined).toBe(sendResult(one.status, one.platform, one.receipted));
  expect(rows[0]?.reason).toBe(sendOutcome(state)?.reason ?? '');
});

test('a planned ID without a platform has no send result', async () => {
  expect(sendOutcome({ status: STATUS_CODE.accepted, platform: null, receipted: true, reason: null })).toBe(
    undefined,
  );
});
