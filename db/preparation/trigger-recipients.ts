import { type RawBuilder, sql } from 'kysely';
import { COLUMN_NAMES, COLUMN_NULLS } from '../audiences/recipient-columns.ts';

/**
 * Narrows the recipient rows to users who are due after an event. A user without any device is planned and
 * unreachable. An audience that names its users has such rows already. For any other audience nothing shows
 * that the user is outside, so the row is added here.
 */
export function triggerRecipientRows(
  rows: RawBuilder<unknown>,
  args: { appId: string; userIds: readonly string[]; namesUsers: boolean },
): RawBuilder<unknown> {
  const { appId, userIds, namesUsers } = args;
  const users = sql`${userIds}::text[]`;
  const known = sql`
    select id, device_no, platform, channel, token, loss, suppression, ${COLUMN_NAMES}
    from (${rows}) every
    where user_id = any(${users})`;
  if (namesUsers) return sql`${known} or (loss = 'unknown_user' and id = any(${users}))`;
  return sql`${known}
    union all
    select due.user_id, null, null, null, null, 'unknown_user', null, ${COLUMN_NULLS}
    from unnest(${users}) due (user_id)
    where not exists (
      select from devices d
      where d.app_id = ${appId} and d.user_id = due.user_id
    )`;
}
