import { expect, test } from 'vitest';
import { useTestDatabase } from '../../test/setup/database.ts';
import { insertApp } from '../apps/apps.ts';
import { type DeviceImportRow, importDevices } from './device-import.ts';
import { registerDevice } from './devices.ts';

const database = useTestDatabase();
const now = new Date('2026-11-22T08:00:00Z');
let apps = 0;

async function newApp(): Promise<string> {
  const id = `app-${++apps}`;
  await insertApp(database.db, { id, name: id, timeZone: 'UTC', createdAt: now });
  return id;
}

const tokenOf = (n: number) => n.toString(16).padStart(64, '0');
const KEEP = {
  addressKind: undefined,
  userId: undefined,
  timeZone: undefined,
  locale: undefined,
  appVersion: undefined,
  tags: undefined,
  attributes: undefined,
  lastActiveAt: undefined,
  mergesAttributes: false,
  unsubscribedAt: undefined,
  identifiers: [],
};
function row(n: number, token = n): DeviceImportRow {
  const device = {
    line: n,
    deviceId: `d${n}`,
    platform: 'ios',
    token: tokenOf(token),
  } as const;
  return { ...device, ...KEEP };
}

async function* batches<Row>(rows: Row[], between: () => Promise<unknown> = async () => undefined) {
  for (let i = 0; i < rows.length; i += 100) {
    yield rows.slice(i, i + 100);
    await between();
  }
}

const range = (count: number) => Array.from({ length: count }, (_, i) => i + 1);
const importRows = (appId: string, rows: AsyncIterable<DeviceImportRow[]>) =>
  importDevices(database.pool, { appId, now, rows, shownDuplicates: 10 });
const register = (appId: string, n: number, at = now) =>
  registerDevice(database.db, {
    appId,
    deviceId: `d${n}`,
    platform: 'ios',
    address: { kind: 'apns_token', token: tokenOf(n) },
    identifiers: [],
    fields: {},
    secretHash: Buffer.alloc(32),
    provenHash: null,
    now: at,
  });

async function tokenStates(appId: string) {
  return database.db
    .selectFrom('devices')
    .select((eb) => ['token_state', eb.fn.countAll<number>().as('devices')])
    .where('app_id', '=', appId)
    .groupBy('token_state')
    .orderBy('token_state')
    .execute();
}

test('two simultaneous imports and device registrations lose no row', async () => {
  const appId = await newApp();
  const rows = range(1_000).map((n) => row(n));
  const registrations = range(200).map((n) => register(appId, n * 5));
  const results = await Promise.all([
    importRows(appId, batches(rows)),
    importRows(appId, batches(rows.toReversed())),
    ...registrations,
  ]);
  for (const result of results.slice(0, 2)) {
    expect(result).toMatchObject({ duplicates: 0 });
    expect(typeof result === 'object' && result.created + result.updated).toBe(1_000);
  }
  expect(await tokenStates(appId)).toEqual([{ token_state: 'active', devices: 1_000 }]);
});

test('devices that register during the merge of an import are kept, and the import succeeds', async () => {
  const appId = await newApp();
  await importRows(appId, batches([row(5_001)]));
  let isOver = false;
  const importing = importRows(appId, batches(range(5_000).map((n) => row(n)))).finally(() => {
    isOver = true;
  });
  let registered = 0;
  for (let n = 5_000; n > 0 && !isOver; n -= 3, registered++) {
    const at = new Date(now.getTime() + registered);
    await register(appId, n, at).catch(() => undefined);
  }
  const { created, updated } = await importing;
  expect(created + updated).toBe(5_000);
  expect(await tokenStates(appId)).toEqual([{ token_state: 'active', devices: 5_001 }]);
});

test('an import that swaps all tokens leaves each active once', async () => {
  const appId = await newApp();
  await importRows(appId, batches(range(500).map((n) => row(n))));
  await importRows(appId, batches(range(500).map((n) => row(n, 501 - n))));
  expect(await tokenStates(appId)).toEqual([{ token_state: 'active', devices: 500 }]);
});

test('a stream that fails midway stores nothing, and its connection is not reused', async () => {
  const appId = await newApp();
  const fail = () => Promise.reject(new Error('cut'));
  await expect(
    importRows(
      appId,
      batches(
        range(300).map((n) => row(n)),
        fail,
      ),
    ),
  ).rejects.toThrow('cut');
  expect(await tokenStates(appId)).toEqual([]);
  await importRows(appId, batches([row(1)]));
  expect(await tokenStates(appId)).toEqual([{ token_state: 'active', devices: 1 }]);
});

test('text with special characters of COPY and array literals is stored unchanged', async () => {
  const appId = await newApp();
  const nasty = 'a\\b\tc"d\'e{}\\N,ü🙂';
  await importRows(
    appId,
    batches([{ ...row(1), userId: nasty, tags: [nasty, '\\N', ''], attributes: '{"a":"\\t"}' }]),
  );
  const stored = await database.db
    .selectFrom('devices')
    .select(['user_id', 'tags', 'attributes'])
    .where('app_id', '=', appId)
    .executeTakeFirst();
  expect(stored).toEqual({ user_id: nasty, tags: [nasty, '\\N', ''], attributes: { a: '\t' } });
});
