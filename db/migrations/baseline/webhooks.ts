/** Webhooks: endpoints, the outbox of messages, and the triggers that write messages. */
export const WEBHOOKS = [
  `create table webhook_endpoints (
    id text primary key,
    app_id text not null references apps,
    url text not null,
    description text not null,
    events text[] not null,
    secret bytea not null,
    previous_secret bytea,
    previous_secret_until timestamptz,
    disabled_at timestamptz,
    disabled_reason text,
    failing_since timestamptz,
    created_by text not null references people,
    created_at timestamptz not null,
    updated_at timestamptz not null
  )`,
  'create index on webhook_endpoints (app_id, id)',
  `create table webhook_events (
    no bigint generated always as identity primary key,
    id text not null unique default 'msg_' || replace(gen_random_uuid()::text, '-', ''),
    app_id text not null references apps,
    type text not null,
    object_id text not null,
    at timestamptz not null,
    data jsonb not null
  )`,
  'create index on webhook_events (at)',
  `create table webhook_deliveries (
    endpoint_id text not null references webhook_endpoints on delete cascade,
    event_no bigint not null references webhook_events on delete cascade,
    object_id text not null,
    status text not null check (status in ('pending', 'delivered', 'failed')),
    -- Time of the next attempt, and during an attempt the end of the sending process's lease.
    due_at timestamptz not null,
    retry_from timestamptz not null,
    -- Attempts since retry_from, which a replay resets, while attempts counts all.
    tries integer not null default 0,
    attempts integer not null default 0,
    last_status integer,
    last_error text,
    settled_at timestamptz,
    primary key (endpoint_id, event_no)
  )`,
  'create index on webhook_deliveries (event_no)',
  `create index on webhook_deliveries (endpoint_id, due_at, event_no) where status = 'pending'`,
  `create index on webhook_deliveries (endpoint_id, object_id, event_no) where status = 'pending'`,
  `create index on webhook_deliveries (endpoint_id, event_no) where status = 'failed'`,
  `create table webhook_attempts (
    endpoint_id text not null,
    event_no bigint not null,
    attempt integer not null,
    at timestamptz not null,
    duration_ms integer not null,
    status integer,
    error text,
    primary key (endpoint_id, event_no, attempt),
    foreign key (endpoint_id, event_no) references webhook_deliveries on delete cascade
  )`,
  // The transaction that changes a status also writes the message, so that no message can be lost.
  `create function emit_webhook_event(app text, kind text, object text, happened timestamptz, facts jsonb)
    returns void language plpgsql as $$
    declare
      event bigint;
    begin
      if not exists (select 1 from webhook_endpoints e where e.app_id = app and kind = any (e.events)) then
        return;
      end if;
      insert into webhook_events (app_id, type, object_id, at, data)
        values (app, kind, object, happened, facts)
        returning no into event;
      insert into webhook_deliveries
        (endpoint_id, event_no, object_id, status, due_at, retry_from, last_error, settled_at)
        select e.id, event, object, case when e.disabled_at is null then 'pending' else 'failed' end,
          happened, happened, case when e.disabled_at is not null then 'the endpoint was disabled' end,
          case when e.disabled_at is not null then happened end
        from webhook_endpoints e
        where e.app_id = app and kind = any (e.events)
        for key share;
    end $$`,
  `create function approval_payload(task tasks) returns jsonb language sql stable
    return jsonb_build_object(
      'taskId', task.id,
      'name', task.name,
      'revision', task.revision,
      'submission', task.submission,
      'pushAt', iso_time(task.push_at),
      'dueAt', iso_time(task.approval_due_at),
      'approvalsRequired', (select approvals_required from apps where id = task.app_id))`,
  `create function emit_task_events() returns trigger language plpgsql as $$
    begin
      perform emit_webhook_event(
        new.app_id, 'task.status_changed', new.id, new.updated_at, jsonb_build_object(
        'taskId', new.id,
        'name', new.name,
        'pushType', new.push_type,
        'status', new.status,
        'previousStatus', old.status,
        'statusReason', new.status_reason,
        'revision', new.revision,
        'approvedRevision', new.approved_revision,
        'submission', new.submission,
        'pushAt', iso_time(new.push_at)));
      if new.status = 'pending_approval' then
        perform emit_webhook_event(
          new.app_id, 'task.approval_requested', new.id, new.updated_at, approval_payload(new));
      end if;
      return null;
    end $$`,
  `create trigger tasks_emit_when_new after insert on tasks
    for each row execute function emit_task_events()`,
  `create trigger tasks_emit_when_changed after update on tasks
    for each row when (old.status is distinct from new.status) execute function emit_task_events()`,
  `create function emit_push_events() returns trigger language plpgsql as $$
    begin
      perform emit_webhook_event(
        new.app_id, 'push.status_changed', new.id, coalesce(new.status_at, new.created_at),
        jsonb_build_object(
        'pushId', new.id,
        'taskId', new.task_id,
        'seq', new.seq,
        'revision', new.revision,
        'status', new.status,
        'previousStatus', old.status,
        'statusReason', new.status_reason,
        'dueAt', iso_time(new.due_at),
        'startedAt', iso_time(new.started_at),
        'windowEndsAt', iso_time(new.window_ends_at)));
      return null;
    end $$`,
  `create trigger pushes_emit_when_new after insert on pushes
    for each row execute function emit_push_events()`,
  `create trigger pushes_emit_when_changed after update on pushes
    for each row when (old.status is distinct from new.status) execute function emit_push_events()`,
];
