import { type RawBuilder, sql } from 'kysely';
import type { Content } from '../../domain/content/content.ts';
import { attributeOf } from '../../domain/content/content-fill.ts';
import { localesOf, localeTable } from '../../domain/content/content-locale.ts';
import { type Need, needsOf } from '../../domain/content/content-needs.ts';
import { isPersonal, VARIANTS_PER_LOCALE } from '../../domain/content/content-variant.ts';
import type { RecipientColumns } from '../audiences/recipient-columns.ts';

/**
 * Columns that a content needs: the variant for the device, the values of the variables, and whether one
 * without a default is missing. None for a content that is the same for every device.
 */
export function contentColumns(content: Content): RecipientColumns {
  if (!isPersonal(content)) return {};
  return {
    variant: variantSql(content),
    variables: variablesSql(content),
    misses_variable: missingSql(content),
  };
}

/** The language, script and region of a canonical locale in lower case, and the same without the region. */
const PLACE = '^[a-z]+(?:-[a-z]{4}(?=-|$))?(?:-(?:[a-z]{2}|[0-9]{3})(?=-|$))?';
const STEM = '^[a-z]+(?:-[a-z]{4}(?=-|$))?';

/** `matchLocale` and `variantOf` of domain/ as an SQL expression over the device `d`. */
export function variantSql(content: Content): RawBuilder<unknown> {
  const locales = localesOf(content);
  if (locales.length === 0) return sql`d.platform`;
  const places = [...localeTable(content)].map(([tag, locale]) => [
    tag,
    locale === undefined ? 0 : locales.indexOf(locale) + 1,
  ]);
  const table = JSON.stringify(Object.fromEntries(places));
  const tag = sql`replace(lower(d.locale), '_', '-')`;
  const placeOf = (key: RawBuilder<unknown>) => sql`(${table}::jsonb ->> (${key}))::int`;
  return sql`coalesce(
    ${placeOf(tag)},
    ${placeOf(sql`substring(${tag} from ${sql.lit(PLACE)})`)},
    ${placeOf(sql`substring(${tag} from ${sql.lit(STEM)})`)},
    0
  ) * ${sql.lit(VARIANTS_PER_LOCALE)} + d.platform`;
}

function entries({ variables = {} }: Content) {
  return Object.entries(variables).map(([name, variable]) => ({
    name,
    attribute: attributeOf(name, variable),
  }));
}

function variablesSql(content: Content): RawBuilder<unknown> {
  const values = entries(content).map(
    ({ name, attribute }) => sql`${name}::text, d.attributes -> ${attribute}::text`,
  );
  return values.length === 0
    ? sql`null::jsonb`
    : sql`jsonb_strip_nulls(jsonb_build_object(${sql.join(values)}))`;
}

function missingSql(content: Content): RawBuilder<unknown> {
  const missing = needsOf(content).map((need) => missesSql(content, need));
  return missing.length === 0 ? sql`false` : sql`(${sql.join(missing, sql` or `)})`;
}

/** Whether the device `d` lacks the attribute, and is of a variant that shows it. */
function missesSql(content: Content, { attribute, variants }: Need): RawBuilder<unknown> {
  const isBlank = sql`btrim(coalesce(d.attributes ->> ${attribute}::text, ''), ' ') = ''`;
  if (variants === undefined) return isBlank;
  return sql`(${isBlank} and ${variantSql(content)} = any(${variants}::int[]))`;
}

/** The names of the variables that the device `d` lacks and its texts show, be it sometimes, as a JSON list. */
export function missingNamesSql(content: Content): RawBuilder<unknown> {
  const names = needsOf(content, 'sometimes').map(
    (need) => sql`case when ${missesSql(content, need)} then ${need.variable}::text end`,
  );
  return sql`to_jsonb(array_remove(array[${sql.join(names)}]::text[], null))`;
}
