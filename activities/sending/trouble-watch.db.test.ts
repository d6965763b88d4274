import { pino } from 'pino';
import { beforeAll, expect, test } from 'vitest';
import { findPush } from '../../db/ledger/pushes.ts';
import type { Channel } from '../../domain/platform.ts';
import { seedPerson, seedPush, seedTask } from '../../test/fixtures/ledger-fixture.ts';
import { useTestDatabase } from '../../test/setup/database.ts';
import { fixture } from '../../test/setup/fixture.ts';
import { createTroubleWatch } from './trouble-watch.ts';

const NOW = new Date('2026-11-01T10:00:00Z');
const database = useTestDatabase();
const person = fixture(beforeAll, () => seedPerson(database.db, NOW));

async function newPush(status: 'sending' | 'paused') {
  const { db } = database;
  const taskId = await seedTask(db, { ...person, now: NOW });
  const push = await seedPush(db, { ...person, taskId, startedAt: NOW, deliveries: [], status });
  const reason = async () => (await findPush(db, push.id)).status_reason;
  const service: { trouble: string | undefined } = { trouble: undefined };
  const lines: string[] = [];
  const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(line) });
  const watch = createTroubleWatch({ db, log });
  const ended = Promise.withResolvers<void>();
  const watched = { pushNo: push.no, services: new Map<Channel, typeof service>([['apns', service]]) };
  return { reason, service, lines, ended, watching: watch(watched, ended.promise) };
}

test('a trouble is shown and logged while it lasts', async () => {
  const { reason, service, lines, ended, watching } = await newPush('sending');
  service.trouble = 'the certificate is not trusted';
  const shown = 'a sender waits for apns: the certificate is not trusted';
  await expect.poll(reason).toBe(shown);
  expect(lines).toHaveLength(1);
  service.trouble = undefined;
  await expect.poll(reason).toBeNull();
  service.trouble = 'the certificate is not trusted';
  await expect.poll(reason).toBe(shown);
  expect(lines).toHaveLength(1);
  ended.resolve();
  await watching;
  expect(await reason()).toBeNull();
});

test('the reason of a push that does not send stays', async () => {
  const { reason, service, lines, ended, watching } = await newPush('paused');
  service.trouble = 'away';
  await expect.poll(() => lines.length).toBe(1);
  ended.resolve();
  await watching;
  expect(await reason()).toBeNull();
});
