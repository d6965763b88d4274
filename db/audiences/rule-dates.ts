import { type RawBuilder, sql } from 'kysely';
import type { Condition } from '../../domain/audiences/audience-rule.ts';
import { anniversariesMeant, datesMeant } from '../../domain/audiences/relative-date.ts';
import { momentOf } from '../../domain/time/local-time.ts';

type Sql = RawBuilder<boolean>;
export type DateCondition = Extract<Condition, { op: 'in_days' | 'anniversary' }>;

/** The day from which dates are counted, and the zone of the app, which has that day. */
export interface Today {
  readonly date: string;
  readonly zone: string;
}

const TIME = '[T ](?:[01]\\d|2[0-3]):[0-5]\\d';
const DAY = `^\\d{4}-\\d\\d-\\d\\d(?:$|${TIME})`;
const OFFSET = `^\\d{4}-\\d\\d-\\d\\d${TIME}(?::\\d\\d(?:[.]\\d+)?)?(?:Z|[+-]\\d\\d(?::?\\d\\d)?)$`;
const DAY_OF_YEAR = `^(?:\\d{4}-|--)?\\d\\d-\\d\\d(?:$|${TIME})`;

/**
 * Compares an attribute that holds a date with the day of the push. The result is true or false and never null.
 * Text that is no date gives false. A time with its offset counts by its day in the app's zone, any other by the
 * date as it is written. An anniversary always does, because birthdays have no zone.
 */
export function compareDate({ name, ...condition }: DateCondition, { date, zone }: Today): Sql {
  const text = sql`(d.attributes ->> ${name}::text)`;
  if (condition.op === 'anniversary') {
    const days = anniversariesMeant(date, condition.days);
    const day = sql`substring(${text} from '^(?:[0-9]{4}-|--)?([0-9]{2}-[0-9]{2})')`;
    return sql`coalesce(${text} ~ ${DAY_OF_YEAR} and ${day} = any(${days}::text[]), false)`;
  }
  const { first, last } = datesMeant(date, condition.days);
  const [from, to] = [momentOf(`${first}T00:00`, zone), momentOf(`${dayAfter(last)}T00:00`, zone)];
  // A CASE is needed, because Postgres may evaluate the parts of an AND in any order.
  return sql`case
    when ${text} ~ ${OFFSET} is not true then coalesce(${text} ~ ${DAY}
      and left(${text}, 10) collate "C" between ${first} and ${last}
      and pg_input_is_valid(left(${text}, 10), 'date'), false)
    when pg_input_is_valid(${text}, 'timestamptz') then ${text}::timestamptz >= ${new Date(from)}::timestamptz
      and ${text}::timestamptz < ${new Date(to)}::timestamptz
    else false
  end`;
}

function dayAfter(date: string): string {
  return new Date(Date.parse(`${date}T00:00Z`) + 86_400_000).toISOString().slice(0, 10);
}
