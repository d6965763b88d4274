/** Functions that tables, indexes and triggers of several subjects share. */
export const FUNCTIONS = [
  // Evidence (revisions, audit entries, origins of requests) is append-only.
  `create function refuse_change() returns trigger language plpgsql as $$
    begin
      raise exception '% rows are immutable', tg_table_name;
    end $$`,
  // Names are compared alike in every language, independent of the locale of the server.
  `create function fold_name(text) returns text
    language sql immutable strict parallel safe
    return casefold(normalize($1, nfkc) collate "pg_unicode_fast")`,
  // All characters and pairs of neighbouring characters, so that a search finds parts of any length, also in
  // scripts without spaces between words.
  `create function name_grams(text) returns text[]
    language sql immutable strict parallel safe
    return (
      select coalesce(array_agg(distinct gram), '{}')
      from (
        select substr($1, n, size) collate "C" as gram
        from generate_series(1, length($1)) n, generate_series(1, 2) size
        where n + size <= length($1) + 1
      ) g
    )`,
  // Messages of webhooks show times as the API does.
  `create function iso_time(timestamptz) returns text
    language sql immutable parallel safe
    return to_char($1 at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`,
];
