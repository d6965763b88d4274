import { type Kysely, sql } from 'kysely';

/** A migration is frozen once released: it never imports the product's own types. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const STATEMENTS = [
  `create table push_hours (
    push_no bigint not null references pushes,
    slot smallint not null,
    hour smallint not null,
    platform smallint not null,
    metric text not null,
    value bigint not null,
    primary key (push_no, slot, hour, platform, metric)
  ) with (fillfactor = 50)`,
  `create table receipt_arrivals (
    app_id text not null references apps,
    hour timestamptz not null,
    slot smallint not null,
    source text not null check (source in ('sdk', 'vendor')),
    platform smallint not null,
    kind text not null,
    result text not null,
    receipts bigint not null,
    last_at timestamptz not null,
    primary key (app_id, hour, slot, source, platform, kind, result)
  ) with (fillfactor = 50)`,
  `create table vendor_keys (
    id text primary key,
    app_id text not null references apps,
    name text not null,
    sealed bytea not null,
    created_by text not null references people,
    created_at timestamptz not null,
    revoked_at timestamptz
  )`,
  'create index on vendor_keys (app_id, created_at desc, id desc)',
  `create table receipt_inbox (
    no bigint generated always as identity primary key,
    key_id text not null references vendor_keys,
    app_id text not null references apps,
    callback_id text not null,
    body text,
    received_at timestamptz not null,
    done_at timestamptz,
    outcome jsonb,
    unique (key_id, callback_id)
  )`,
  'create index receipt_inbox_waiting on receipt_inbox (no) where done_at is null',
  'create index receipt_inbox_done on receipt_inbox (done_at) where done_at is not null',
  'create index on receipt_inbox (app_id, no desc)',
  'create index on pushes (app_id, started_at desc, no desc)',
  `update pushes set statistics = statistics
    || jsonb_build_object('channels', '{}'::jsonb, 'rateBase', statistics -> 'deliveries', 'platforms', coalesce(
      (select jsonb_object_agg(key, value || jsonb_build_object('rateBase', value -> 'deliveries'))
        from jsonb_each(statistics -> 'platforms')), '{}'))
    where statistics is not null`,
];
