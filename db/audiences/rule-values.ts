import { type RawBuilder, sql } from 'kysely';
import type { PropertyCondition } from '../../domain/audiences/audience-rule.ts';

type Sql = RawBuilder<boolean>;
type Comparison = PropertyCondition extends infer One
  ? One extends unknown
    ? Omit<One, 'property'>
    : never
  : never;

/**
 * Compares one member of a JSON object. The result is true or false and never null, so that NOT selects all
 * other rows. A member that is missing, null or of another type gives false.
 */
export function compareMember(object: RawBuilder<unknown>, name: string, { op, ...rest }: Comparison): Sql {
  const member = sql`${object} -> ${name}::text`;
  const text = sql`${object} ->> ${name}::text`;
  const value = 'value' in rest ? rest.value : undefined;
  switch (op) {
    case 'exists':
      return sql`coalesce(${member} <> 'null'::jsonb, false)`;
    case 'is':
      return sql`${object} @> ${JSON.stringify({ [name]: value })}::jsonb`;
    case 'in':
      return sql`coalesce(${member} = any(${texts(value)}::jsonb[]), false)`;
    case 'contains':
      return sql`coalesce(jsonb_typeof(${member}) = 'string' and strpos(${text}, ${value}) > 0, false)`;
    case 'starts_with':
      return sql`coalesce(jsonb_typeof(${member}) = 'string' and starts_with(${text}, ${value}), false)`;
    default:
      return sql`coalesce(${object} @@ ${comparisonPath(name, ORDER[op], value)}::jsonpath, false)`;
  }
}

function texts(values: unknown): string[] {
  return (values as unknown[]).map((value) => JSON.stringify(value));
}

function comparisonPath(name: string, operator: string, value: unknown): string {
  return `$.${JSON.stringify(name)} ${operator} ${JSON.stringify(value)}`;
}

/** Operators of JSON paths, which compare text by code points and never compare text with a number. */
const ORDER = { lt: '<', lte: '<=', gt: '>', gte: '>=' } as const;
