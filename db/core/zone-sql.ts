import { type RawBuilder, sql } from 'kysely';

/**
 * The zone of an app as Postgres spells it, for `at time zone`, which fails for a name that Postgres lacks. UTC
 * is for an app whose zone is in no spelling known; every stored zone is known, as a test of all names holds.
 */
export function knownZoneOfApp(appId: string): RawBuilder<string> {
  return sql`coalesce((
    select names.name
    from pg_timezone_names names
    join apps app on lower(app.time_zone) = lower(names.name)
    where app.id = ${appId}
    order by names.name = app.time_zone desc
    limit 1
  ), 'UTC')`;
}
