import { type RawBuilder, sql } from 'kysely';

/** The subject of an erasure: users, and a batch of their devices. */
export interface Subject {
  readonly appId: string;
  readonly userIds: readonly string[];
  readonly devices: readonly { readonly no: number; readonly deviceId: string }[];
}

interface Deletion {
  readonly how: 'delete';
  /** A `delete … returning`. */
  readonly rows: (subject: Subject) => RawBuilder<unknown>;
  /** Takes the rows that are `gone` from the number that is kept of them. */
  readonly counter?: RawBuilder<unknown>;
}

export type PersonalTable = { readonly columns: readonly string[] } & (
  | Deletion
  | { readonly how: 'with_device' | 'deliveries'; readonly because: string }
);

/**
 * Every table that knows a user or a device of one, and how it forgets them. A test compares it with the
 * database: a table with such a column that is not here is a fault. One whose rows can go at once says which.
 */
export const PERSONAL_TABLES: Readonly<Record<string, PersonalTable>> = {
  devices: {
    columns: ['device_id', 'user_id'],
    how: 'with_device',
    because: 'they are what is deleted, at the end, so that an erasure that broke off finds them again',
  },
  device_identifiers: { columns: ['device_no'], how: 'with_device', because: 'the foreign key cascades' },
  device_tokens: { columns: ['device_no'], how: 'with_device', because: 'the foreign key cascades' },
  deliveries: {
    columns: ['device_id', 'device_no'],
    how: 'deliveries',
    because: 'the rows stay, without whom they were for, so that statistics still add up',
  },
  audience_members: {
    columns: ['id'],
    how: 'delete',
    rows: ({ appId, ...subject }) => sql`
      delete from audience_members member
      using audiences audience, audience_versions version
      where audience.app_id = ${appId}
        and version.audience_id = audience.id
        and member.audience_id = version.audience_id
        and member.version = version.version
        and ${isMember(subject)}
      returning member.audience_id, member.version`,
    counter: sql`
      update audience_versions version
      set members = version.members - lost.members
      from (
        select audience_id, version, count(*) as members
        from gone
        group by 1, 2
      ) lost
      where version.audience_id = lost.audience_id and version.version = lost.version`,
  },
  audience_upload_members: {
    columns: ['id'],
    how: 'delete',
    rows: ({ appId, ...subject }) => sql`
      delete from audience_upload_members member
      using audience_uploads upload
      where upload.app_id = ${appId} and member.upload_no = upload.no and ${isMember(subject)}
      returning 1`,
  },
  frozen_members: {
    columns: ['device_no', 'id'],
    how: 'delete',
    rows: ({ appId, ...subject }) => sql`
      delete from frozen_members member
      using frozen_audiences frozen, tasks task
      where task.app_id = ${appId}
        and frozen.task_id = task.id
        and member.frozen_no = frozen.no
        and (${isMember(subject)} or member.device_no = any(${numbersOf(subject.devices)}::bigint[]))
      returning member.frozen_no`,
    counter: sql`
      update frozen_audiences frozen
      set members = frozen.members - lost.members
      from (
        select frozen_no, count(*) as members
        from gone
        group by 1
      ) lost
      where frozen.no = lost.frozen_no`,
  },
  trigger_arrivals: {
    columns: ['user_id'],
    how: 'delete',
    rows: ({ appId, userIds }) => sql`
      delete from trigger_arrivals
      where app_id = ${appId} and user_id = any(${userIds}::text[])
      returning 1`,
  },
  trigger_entries: {
    columns: ['user_id'],
    how: 'delete',
    rows: ({ appId, userIds }) => sql`
      delete from trigger_entries entry
      using tasks task
      where task.app_id = ${appId}
        and entry.task_id = task.id
        and entry.user_id = any(${userIds}::text[])
      returning 1`,
  },
  test_devices: {
    columns: ['device_id'],
    how: 'delete',
    rows: ({ appId, devices }) => sql`
      delete from test_devices
      where app_id = ${appId} and device_id = any(${idsOf(devices)}::text[])
      returning 1`,
  },
  test_send_devices: {
    columns: ['device_id'],
    how: 'delete',
    rows: ({ appId, devices }) => sql`
      delete from test_send_devices target
      using test_sends send
      where send.id = target.test_send_id
        and send.app_id = ${appId}
        and target.device_id = any(${idsOf(devices)}::text[])
      returning 1`,
  },
  contacts: {
    columns: ['device_no', 'user_key'],
    how: 'delete',
    rows: ({ appId, userIds, devices }) => sql`
      delete from contacts
      where app_id = ${appId}
        and (
          user_key = any(${userIds.map((id) => `=${id}`)}::text[])
          or device_no = any(${numbersOf(devices)}::bigint[])
        )
      returning 1`,
  },
  events: {
    columns: ['user_id', 'device_no'],
    how: 'delete',
    rows: ({ appId, userIds, devices }) => sql`
      delete from events
      where app_id = ${appId}
        and (user_id = any(${userIds}::text[]) or device_no = any(${numbersOf(devices)}::bigint[]))
      returning 1`,
  },
};

/** Answers the number of deleted rows. */
export function deletion({ rows, counter }: Deletion, subject: Subject): RawBuilder<{ rows: number }> {
  const counted = counter === undefined ? sql`` : sql`, counted as (${counter})`;
  return sql`
    with gone as (${rows(subject)})
    ${counted}
    select count(*) as rows
    from gone`;
}

/** A condition on `member`: kind 0 is a device ID, 1 a user ID. */
function isMember({ userIds, devices }: Omit<Subject, 'appId'>): RawBuilder<unknown> {
  return sql`(
    (member.kind = 1 and member.id = any(${userIds}::text[]))
    or (member.kind = 0 and member.id = any(${idsOf(devices)}::text[]))
  )`;
}

function idsOf(devices: Subject['devices']): string[] {
  return devices.map(({ deviceId }) => deviceId);
}

export function numbersOf(devices: Subject['devices']): number[] {
  return devices.map(({ no }) => no);
}
