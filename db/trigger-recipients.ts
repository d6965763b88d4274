import { type RawBuilder, sql } from 'kysely';

/**
 * Of the judged rows those of users whom an event has entered. A user without any device is planned and lost, too: an
 * audience that names its users has judged that, of any other nobody can be known to be outside.
 */
export function triggerRecipientRows(
  judged: RawBuilder<unknown>,
  args: {
    appId: string;
    userIds: readonly string[];
    namesUsers: boolean;
    /** More columns, each behind a comma, and so many nulls. */
    names: RawBuilder<unknown>;
    nulls: RawBuilder<unknown>;
  },
): RawBuilder<unknown> {
  const { appId, userIds, namesUsers, names, nulls } = args;
  const users = sql`${userIds}::text[]`;
  const known = sql`select id, device_no, platform, channel, token, loss, suppression ${names}
    from (${judged}) every where user_id = any(${users})`;
  if (namesUsers) return sql`${known} or (loss = 'unknown_user' and id = any(${users}))`;
  return sql`${known}
    union all
    select u.id, null, null, null, null, 'unknown_user', null ${nulls} from unnest(${users}) u (id)
    where not exists (select from devices d where d.app_id = ${appId} and d.user_id = u.id)`;
}
