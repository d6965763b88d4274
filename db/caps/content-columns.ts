import { type RawBuilder, sql } from 'kysely';
import type { Content } from '../../domain/content/content.ts';
import { attributeOf } from '../../domain/content/content-fill.ts';
import { localesOf } from '../../domain/content/content-locale.ts';
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

/** `matchLocale` and `variantOf` of domain/ as an SQL expression over the device `d`. */
export function variantSql(content: Content): RawBuilder<unknown> {
  const locales = localesOf(content);
  if (locales.length === 0) return sql`d.platform`;
  const places = JSON.stringify(Object.fromEntries(locales.map((tag, place) => [tag, place + 1])));
  const tag = sql`replace(lower(d.locale), '_', '-')`;
  const subtag = (no: number) => sql`split_part(${tag}, '-', ${sql.lit(no)})`;
  const [language, second, third] = [subtag(1), subtag(2), subtag(3)];
  const placeOf = (key: RawBuilder<unknown>) => sql`(${places}::jsonb ->> (${key}))::int`;
  const isTraditional = sql`${second} in ('hant', 'tw', 'hk', 'mo')
    or (${second} <> 'hans' and ${third} in ('hant', 'tw', 'hk', 'mo'))`;
  const script = sql`case when ${isTraditional} then 'zh-hant' else 'zh-hans' end`;
  return sql`coalesce(
    ${placeOf(tag)},
    ${placeOf(sql`${language} || '-' || ${second}`)},
    ${placeOf(sql`${language} || '-' || ${third}`)},
    case when ${language} = 'zh' then ${placeOf(script)} end,
    ${placeOf(language)},
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

/** The names of the variables that the device `d` lacks, as a JSON list. */
export function missingNamesSql(content: Content): RawBuilder<unknown> {
  const names = needsOf(content).map(
    (need) => sql`case when ${missesSql(content, need)} then ${need.variable}::text end`,
  );
  return sql`to_jsonb(array_remove(array[${sql.join(names)}]::text[], null))`;
}
