import { sql } from 'kysely';
import { needsOf } from '../../domain/content/content-needs.ts';
import type { MissingValues } from '../../domain/content/missing-values.ts';
import type { TaskDefinition } from '../../domain/tasks/task-definition.ts';
import { recipientRows, sourceOf } from '../audiences/recipients.ts';
import { missingNamesSql } from '../caps/content-columns.ts';
import type { Db } from '../core/database.ts';
import { setParallelScanSettings } from '../core/planner-settings.ts';
import { withStatementTimeout } from '../core/statement-timeout.ts';

/** Counts the devices that a push of the task would or might now leave out, because their texts lack a value. */
export async function countMissingValues(
  db: Db,
  { appId, definition, now }: { appId: string; definition: TaskDefinition; now: Date },
  { timeoutMs }: { timeoutMs: number },
): Promise<MissingValues> {
  const { audience, content, exclusions = [], platforms, devices = 'all' } = definition;
  const names = needsOf(content, 'sometimes').map(({ variable }) => variable);
  return await withStatementTimeout(db, timeoutMs, async (trx) => {
    await setParallelScanSettings(trx);
    const from = { audience: await sourceOf(trx, { appId, audience }) };
    const columns = { variables: missingNamesSql(content) };
    const query = { appId, now, from, exclusions, platforms, devices, columns, isParallel: true } as const;
    const counts = names.map((name) => sql`count(*) filter (where variables ? ${name}::text)::int`);
    const { rows } = await sql<{ devices: number; lacking: number; each: number[] }>`
      select count(*)::int as devices,
        count(*) filter (where jsonb_array_length(variables) > 0)::int as lacking,
        array[${sql.join(counts)}] as each
      from (${await recipientRows(trx, query)}) judged
      where loss is null and suppression is null`.execute(trx);
    const [{ each, ...all } = { devices: 0, lacking: 0, each: [] }] = rows;
    return { ...all, variables: new Map(names.map((name, no) => [name, each[no] ?? 0])) };
  });
}
