import type { Pool, PoolClient } from 'pg';
import type { Baseline, Written } from './rules.ts';

const LOSS = `case when d.unsubscribed_at is not null then 'unsubscribed'
  when d.token_state in ('invalid', 'replaced') then 'invalid_token' when d.token_state <> 'active' then 'no_token' end`;

/** Two statements for the same numbers. The product is compared with the faster one of each rule. */
const SHAPES = [
  ({ sql, before }: Written) =>
    `${before === '' ? '' : `with ${before}`} select d.platform, ${LOSS} as loss, count(*) as n from devices d where d.app_id = $1 and ${sql} group by 1, 2`,
  ({ sql, before }: Written) => `
    with ${before === '' ? '' : `${before},`} counted as (select d.platform, count(*) as all,
      count(*) filter (where d.unsubscribed_at is not null) as unsubscribed,
      count(*) filter (where d.unsubscribed_at is null and d.token_state in ('invalid', 'replaced')) as invalid_token,
      count(*) filter (where d.unsubscribed_at is null and d.token_state not in ('active', 'invalid', 'replaced')) as no_token
      from devices d where d.app_id = $1 and ${sql} group by 1)
    select platform, loss, n from counted, lateral (values ('unsubscribed', unsubscribed), ('invalid_token', invalid_token),
      ('no_token', no_token), (null, counted.all - unsubscribed - invalid_token - no_token)) as losses (loss, n) where n > 0`,
] as const;

export interface Total {
  readonly planned: number;
  readonly matched: number;
  readonly losses: Readonly<Record<string, number>>;
}

export type Query = (client: PoolClient) => Promise<Total>;

/** A connection whose settings do not slow down a statement by hand. */
export async function connectBaseline(pool: Pool): Promise<PoolClient> {
  const client = await pool.connect();
  await client.query(`set jit = off`);
  await client.query(`set work_mem = '128MB'`);
  await client.query(`set parallel_tuple_cost = 0.01`);
  await client.query(`set random_page_cost = 1`);
  return client;
}

export function queriesOf(
  { sql, other }: Baseline,
  { appId, now, names }: { appId: string; now: Date; names: ReadonlyMap<string, number> },
): Query[] {
  const named = (text: string) =>
    text.replaceAll(/\{([a-z]+)\}(?!')/g, (found, name: string) => String(names.get(name) ?? found));
  const ways = [{ sql, before: '' }, ...(other === undefined ? [] : [other])];
  const texts = ways.flatMap((way) => SHAPES.map((shape) => named(shape(way))));
  return texts.map((text) => async (client) => {
    // A time that the statement does not use still needs a type.
    const values = text.includes('$2') ? [appId, now] : [appId];
    const { rows } = await client.query<{ loss: string | null; n: string }>(text, values);
    return totalOf(rows.map(({ loss, n }) => ({ loss, n: Number(n) })));
  });
}

function totalOf(rows: readonly { loss: string | null; n: number }[]): Total {
  const losses: Record<string, number> = {};
  let [planned, matched] = [0, 0];
  for (const { loss, n } of rows) {
    planned += n;
    if (loss === null) matched += n;
    else losses[loss] = (losses[loss] ?? 0) + n;
  }
  return { planned, matched, losses };
}
