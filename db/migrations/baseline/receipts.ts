/** Arrival counts of receipts, and the vendors' callbacks that wait for processing. */
export const RECEIPTS = [
  `create table receipt_arrivals (
    app_id text not null references apps,
    hour timestamptz not null,
    shard smallint not null,
    source text not null check (source in ('sdk', 'vendor')),
    platform smallint not null,
    kind text not null,
    result text not null,
    receipts bigint not null,
    last_at timestamptz not null,
    primary key (app_id, hour, shard, source, platform, kind, result)
  ) with (fillfactor = 50)`,
  `create table receipt_inbox (
    no bigint generated always as identity primary key,
    key_id text not null references vendor_keys,
    app_id text not null references apps,
    callback_id text not null,
    body text,
    received_at timestamptz not null,
    done_at timestamptz,
    outcome jsonb,
    -- A repeated callback of a vendor changes nothing.
    unique (key_id, callback_id)
  )`,
  'create index receipt_inbox_waiting on receipt_inbox (no) where done_at is null',
  'create index receipt_inbox_done on receipt_inbox (done_at) where done_at is not null',
  'create index on receipt_inbox (app_id, no desc)',
  // Receipts after the window, so that each counts once. No foreign key refers to the delivery, because it is
  // deleted by then.
  `create table late_receipts (
    ended_at timestamptz not null,
    push_no bigint not null,
    delivery_no integer not null,
    kind smallint not null,
    primary key (ended_at, push_no, delivery_no, kind)
  )`,
];
