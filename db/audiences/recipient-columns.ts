import { type RawBuilder, sql } from 'kysely';

/** Columns of a device that a push may need in addition to its address, with their types. */
const TYPES = {
  variant: 'smallint',
  variables: 'jsonb',
  misses_variable: 'boolean',
  /** The user or, on a device without a user, the device. Caps count by this key. */
  user_key: 'text',
  /** The time zone of the device, or '' without one. */
  zone: 'text',
} as const;

type ColumnName = keyof typeof TYPES;
const COLUMNS = Object.entries(TYPES).map(([name, type]) => ({ name: name as ColumnName, type }));

/** Expressions over the device `d`. Missing columns are null. */
export type RecipientColumns = Readonly<Partial<Record<ColumnName, RawBuilder<unknown>>>>;

export function selectColumns(columns: RecipientColumns): RawBuilder<unknown> {
  return sql.join(
    COLUMNS.map(
      ({ name, type }) => sql`(${columns[name] ?? sql`null`})::${sql.raw(type)} as ${sql.ref(name)}`,
    ),
  );
}

/** Names of all columns, for selecting them from a subquery. */
export const COLUMN_NAMES: RawBuilder<unknown> = sql.join(COLUMNS.map(({ name }) => sql.ref(name)));

/** One null per column, for rows without a device. */
export const COLUMN_NULLS: RawBuilder<unknown> = sql.join(
  COLUMNS.map(({ type }) => sql`null::${sql.raw(type)}`),
);
