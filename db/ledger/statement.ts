import { type CompiledQuery, type RawBuilder, sql } from 'kysely';
import { createBoundedMap } from '../../domain/bounded-map.ts';
import type { Db } from '../core/database.ts';
import { deliveriesOf } from './partitions.ts';

/** A placeholder for a value that is known when the statement runs. */
class Hole {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

/** Values, or placeholders for them. */
export type SqlValues<Values> = { readonly [Name in keyof Values]: Values[Name] | RawBuilder<Values[Name]> };

type Holes<Values> = { readonly [Name in keyof Values]-?: RawBuilder<Values[Name]> };

const MAX_PARTITIONS = 100;

/**
 * A statement over the deliveries of a partition, built once for each partition and then only filled in.
 * Building a statement takes kysely as long as running it takes Postgres.
 */
export function partitionStatement<Values extends { readonly partitionStart: Date }, Row>(
  build: (deliveries: RawBuilder<unknown>, values: Holes<Values>) => RawBuilder<unknown>,
): (db: Db, values: Values) => Promise<Row[]> {
  const byPartition = createBoundedMap<number, CompiledQuery<unknown>>(MAX_PARTITIONS);
  return async (db, values) => {
    const partitionStart = values.partitionStart.getTime();
    let built = byPartition.get(partitionStart);
    if (built === undefined) {
      built = build(deliveriesOf(values.partitionStart), holes<Values>()).compile(db);
      byPartition.set(partitionStart, built);
    }
    const parameters = built.parameters.map((value) =>
      value instanceof Hole ? values[value.name as keyof Values] : value,
    );
    const { rows } = await db.executeQuery<Row>({ ...(built as CompiledQuery<Row>), parameters });
    return rows;
  };
}

function holes<Values>(): Holes<Values> {
  const get = (_: object, name: string | symbol) => sql`${new Hole(String(name))}`;
  return new Proxy({}, { get }) as Holes<Values>;
}
