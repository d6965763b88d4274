import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const STATEMENTS = [
  // Null for pushes that say the same to everybody.
  'alter table deliveries add column variant smallint, add column variables jsonb',
  `create table test_devices (
    app_id text not null references apps,
    device_id text not null,
    primary key (app_id, device_id)
  )`,
  `create table test_sends (
    id text primary key,
    app_id text not null references apps,
    task_id text not null references tasks,
    revision integer not null,
    person_id text not null references people,
    at timestamptz not null,
    done_at timestamptz
  )`,
  'create index on test_sends (app_id, at)',
  'create index on test_sends (task_id, at)',
  `create table test_send_devices (
    test_send_id text not null references test_sends,
    device_id text not null,
    outcome text,
    reason text,
    primary key (test_send_id, device_id)
  )`,
  // Caps and quiet hours of an app.
  `create table contact_rules (
    app_id text primary key references apps,
    rules jsonb not null,
    updated_by text not null references people,
    updated_at timestamptz not null
  )`,
  // Who was sent what, when: a row for each device of a push. user_key: '=' and the user's ID, or '#' and the device's number.
  `create table contacts (
    app_id text not null,
    push_no bigint not null,
    user_key text not null,
    device_no bigint not null,
    channel text not null,
    class smallint not null,
    at timestamptz not null
  )`,
  'create index on contacts (app_id, user_key, at)',
  'create index on contacts (device_no, at)',
  'create index on contacts (push_no)',
  'create index on contacts using brin (at)',
  'alter table pushes add column contacts_logged_at timestamptz, add column contacts_settled_at timestamptz',
];
