import { type CompiledQuery, type RawBuilder, sql } from 'kysely';
import { createBoundedMap } from '../../domain/bounded-map.ts';
import type { Db } from '../core/database.ts';
import { deliveriesOf } from './slots.ts';

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

const MAX_SLOTS = 100;

/**
 * A statement over the deliveries of a slot, built once for each slot and then only filled in: building a
 * statement takes kysely as long as running it takes Postgres.
 */
export function slotStatement<Values extends { readonly slot: Date }, Row>(
  build: (deliveries: RawBuilder<unknown>, values: Holes<Values>) => RawBuilder<unknown>,
): (db: Db, values: Values) => Promise<Row[]> {
  const bySlot = createBoundedMap<number, CompiledQuery<unknown>>(MAX_SLOTS);
  return async (db, values) => {
    const slot = values.slot.getTime();
    let built = bySlot.get(slot);
    if (built === undefined) {
      built = build(deliveriesOf(values.slot), holes<Values>()).compile(db);
      bySlot.set(slot, built);
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
