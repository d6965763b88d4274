import { sql } from 'kysely';
import { numbersText, textsText } from './array-text.ts';
import type { Db } from './database.ts';

type Key<Names extends string = string> = Readonly<Record<Names, number | string>>;

/** A table of counters. Each counter is the sum over several shards, so that no row is hot. */
export interface CounterTable<Of extends Key<keyof Of & string>> {
  readonly name: string;
  /** The columns of a counter's key, beside its shard, with their types. */
  readonly columns: { readonly [Name in keyof Of & string]: 'bigint' | 'smallint' | 'text' };
}

/** Sums changes of counters until they are written together. */
export class Deltas<Of extends Key<keyof Of & string>> {
  readonly #table: CounterTable<Of>;
  readonly #names: readonly (keyof Of & string)[];
  readonly #deltas = new Map<string, { readonly key: Of; value: number }>();

  constructor(table: CounterTable<Of>) {
    this.#table = table;
    this.#names = Object.keys(table.columns) as (keyof Of & string)[];
  }

  add(key: Of, value: number): void {
    const text = this.#names.map((name) => key[name]).join('\n');
    const delta = this.#deltas.get(text);
    if (delta === undefined) this.#deltas.set(text, { key, value });
    else delta.value += value;
  }

  /** Adds the sums to the counters of one shard, in one fixed order, so that two writers cannot deadlock. */
  async write(db: Db, shard: number): Promise<void> {
    const rows = [...this.#deltas]
      .filter(([, { value }]) => value !== 0)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, delta]) => delta);
    if (rows.length === 0) return;
    const table = sql.table(this.#table.name);
    const columns = sql.join(this.#names.map((name) => sql.ref(name)));
    const arrays = this.#names.map((name) => {
      const type = this.#table.columns[name];
      const values = rows.map(({ key }) => key[name] ?? '');
      const text = type === 'text' ? textsText(values.map(String)) : numbersText(values.map(Number));
      return sql`${text}::${sql.raw(type)}[]`;
    });
    await sql`
      insert into ${table} (shard, ${columns}, value)
      select ${shard}::smallint, ${columns}, value
      from unnest(${sql.join(arrays)}, ${numbersText(rows.map(({ value }) => value))}::bigint[])
        with ordinality delta (${columns}, value, place)
      order by place
      on conflict (shard, ${columns}) do update set value = ${table}.value + excluded.value`.execute(db);
  }
}
