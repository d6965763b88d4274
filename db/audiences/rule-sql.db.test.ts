import fc from 'fast-check';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import type { AudienceRule } from '../../domain/audiences/audience-rule.ts';
import { faultsOfRule } from '../../domain/audiences/audience-rule-check.ts';
import { seedPerson } from '../../test/fixtures/ledger-fixture.ts';
import { type Device, devices, type Happened, happened, rule } from '../../test/fixtures/rule-fixture.ts';
import { meets } from '../../test/fixtures/rule-meaning.ts';
import { useTestDatabase } from '../../test/setup/database.ts';
import { createEventNames } from '../events/event-names.ts';
import { recordEvents } from '../events/events.ts';
import { recipientRows } from './recipients.ts';

const database = useTestDatabase();
const now = new Date('2026-11-22T10:10:00Z');
const DAY = 86_400_000;
const ago = (days: number) => new Date(now.getTime() - days * DAY);

async function seed(all: readonly Device[], events: readonly Happened[]): Promise<string> {
  const { db } = database;
  const { appId } = await seedPerson(db, now);
  const values = all.map((device) => ({
    app_id: appId,
    device_id: device.id,
    platform: device.platform === 'ios' ? 0 : 1,
    user_id: device.user,
    channel: device.platform === 'ios' ? 'apns' : 'fcm',
    token_state: 'none' as const,
    tags: [...device.tags],
    attributes: JSON.stringify(device.attributes),
    app_version: device.version,
    locale: device.locale,
    last_active_at: device.active === null ? null : ago(device.active),
    created_at: now,
    updated_at: now,
  }));
  await db.insertInto('devices').values(values).execute();
  const numbers = await createEventNames(db).numbersOf(appId, ['bought', 'viewed'], now);
  await recordEvents(db, {
    appId,
    now,
    events: events.map(({ of, name, days: past, properties: all }, index) => ({
      index,
      id: `e${index}`,
      nameNo: numbers.get(name) ?? 0,
      at: ago(past),
      properties: all,
      of,
    })),
  });
  return appId;
}

/** The two readers of rules: a push, and an estimate, which several Postgres processes may run. */
const READERS = [{}, { isParallel: true }] as const;

async function chosen(appId: string, one: AudienceRule, reader: (typeof READERS)[number]): Promise<string[]> {
  const planning = {
    appId,
    now,
    platforms: ['ios', 'android', 'web'],
    exclusions: [],
    devices: 'all',
  } as const;
  const rows = await recipientRows(database.db, { ...planning, ...reader, from: { rule: one } });
  const answer = await sql<{ id: string }>`select id from (${rows}) judged order by id`.execute(database.db);
  return answer.rows.map(({ id }) => id);
}

test('a rule selects exactly the devices that a plain evaluation selects', async () => {
  await fc.assert(
    fc.asyncProperty(
      devices,
      happened,
      fc.array(rule, { minLength: 8, maxLength: 12 }),
      async (all, drawn, rules) => {
        const users = new Map(all.map((one) => [one.id, one.user]));
        const events = drawn.map((one): Happened => {
          const user = 'deviceId' in one.of ? users.get(one.of.deviceId) : undefined;
          return typeof user === 'string' ? { ...one, of: { userId: user } } : one;
        });
        const appId = await seed(all, drawn);
        for (const one of rules) {
          expect(faultsOfRule(one)).toEqual([]);
          const expected = all.filter((device) => meets(one, device, events)).map(({ id }) => id);
          for (const reader of READERS) {
            expect(await chosen(appId, one, reader), JSON.stringify(one)).toEqual(expected);
          }
        }
      },
    ),
    { numRuns: 60 },
  );
});
