import { sql } from 'kysely';
import type { Db } from '../core/database.ts';

/** The number of canonical locales is far lower. Further ones count as unknown. */
const MAX_LOCALES = 20_000;

/**
 * The distinct locales of an app's devices, by a loose index scan, which steps from value to value instead of
 * row to row. Chains of locales are followed outside the database.
 */
export async function listLocales(db: Db, appId: string): Promise<string[]> {
  const { rows } = await sql<{ locale: string }>`
    with recursive locales as (
      select min(locale) as locale
      from devices
      where app_id = ${appId} and locale is not null
      union all
      select (
        select min(d.locale)
        from devices d
        where d.app_id = ${appId} and d.locale > locales.locale
      )
      from locales
      where locales.locale is not null
    )
    select locale
    from locales
    where locale is not null
    limit ${MAX_LOCALES}`.execute(db);
  return rows.map(({ locale }) => locale);
}
