import { sql } from 'kysely';
import type { Db } from '../core/database.ts';

/**
 * The distinct values of a column of an app's devices, at most `limit`, by a loose index scan, which steps from value
 * to value instead of row to row.
 */
export async function listDistinctValues(
  db: Db,
  { appId, column, limit }: { appId: string; column: 'app_version' | 'locale'; limit: number },
): Promise<string[]> {
  const value = sql.ref(`d.${column}`);
  const { rows } = await sql<{ value: string }>`
    with recursive found as (
      select min(${value}) as value
      from devices d
      where d.app_id = ${appId} and ${value} is not null
      union all
      select (
        select min(${value})
        from devices d
        where d.app_id = ${appId} and ${value} > found.value
      )
      from found
      where found.value is not null
    )
    select value
    from found
    where value is not null
    limit ${limit}`.execute(db);
  return rows.map((row) => row.value);
}
