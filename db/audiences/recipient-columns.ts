import { type RawBuilder, sql } from 'kysely';

/** The columns that a push may need of a device beside its address, with their types. */
const TYPES = {
  variant: 'smallint',
  variables: 'jsonb',
  misses_variable: 'boolean',
  /** The user or, on a device without one, the device: caps count by it. */
  user_key: 'text',
  /** The time zone of the device; '' for none. */
  zone: 'text',
} as const;

type ColumnName = keyof typeof TYPES;
const COLUMNS = Object.entries(TYPES).map(([name, type]) => ({ name: name as ColumnName, type }));

/** Expressions over the device `d`. Columns that are not given are null. */
export type RecipientColumns = Readonly<Partial<Record<ColumnName, RawBuilder<unknown>>>>;

export function selectColumns(columns: RecipientColumns): RawBuilder<unknown> {
  return sql.join(
    COLUMNS.map(
      ({ name, type }) => sql`(${columns[name] ?? sql`null`})::${sql.raw(type)} as ${sql.ref(name)}`,
    ),
  );
}

/** The names of all columns, to select them from a subquery. */
export const COLUMN_NAMES: RawBuilder<unknown> = sql.join(COLUMNS.map(({ name }) => sql.ref(name)));

/** A null for each column, for rows without a device. */
export const COLUMN_NULLS: RawBuilder<unknown> = sql.join(
  COLUMNS.map(({ type }) => sql`null::${sql.raw(type)}`),
);
