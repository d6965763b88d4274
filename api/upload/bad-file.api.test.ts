import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { beforeEach, expect, test } from 'vitest';
import { createTestApp, useServer, useTestApi } from '../../test/fixtures/test-api.ts';
import { fixture } from '../../test/setup/fixture.ts';

const ROWS = 20_000;
const GOOD_OF = 10;
const HEAD = 'device_id,platform,token,time_zone,attributes,last_active_at,unsubscribed,idfa\n';

const api = useTestApi();
const app = fixture(beforeEach, () => createTestApp(api));
const server = useServer(api);

async function send(path: string, type: string, key: string, chunks: Iterable<string>) {
  const headers = { authorization: `Bearer ${key}`, 'content-type': type };
  const sending = request({ host: '127.0.0.1', port: server.port, path, method: 'POST', headers });
  const answered = once(sending, 'response') as Promise<[IncomingMessage]>;
  const ended = pipeline(Readable.from(chunks), sending).catch(() => undefined);
  const [answer] = await answered;
  const text = (await answer.setEncoding('utf8').toArray()).join('');
  sending.destroy();
  await ended;
  return { status: answer.statusCode, body: JSON.parse(text) };
}

const upload = (chunks: Iterable<string>) =>
  send('/v1/devices/import', 'text/csv', app.keys.marketer, chunks);
const token = (n: number) => n.toString(16).padStart(64, '0');
const good = (n: number, id = n) => `d${id},ios,${token(n)},Europe/Berlin,"{""n"":${n}}",,,`;

/** Every kind of bad row, and its reason. */
const BAD: readonly (readonly [string, (n: number) => string])[] = [
  ['missing', () => ',ios,,,,,,'],
  ['invalid_id', (n) => `d ${n},ios,,,,,,`],
  ['unknown_platform', (n) => `x${n},symbian,,,,,,`],
  ['invalid_token', (n) => `x${n},ios,zz,,,,,`],
  ['invalid_json', (n) => `x${n},ios,,,{oops,,,`],
  ['invalid_attributes', (n) => `x${n},ios,,,"[""a""]",,,`],
  ['not_true_or_false', (n) => `x${n},ios,,,,,perhaps,`],
  ['missing', () => ',ios,,,,,,'],
  ['unbalanced_quotes', (n) => `x${n},ios,"open,,,,,`],
  ['wrong_number_of_fields', (n) => `x${n},ios`],
  ['invalid_utf8', (n) => `x${n}\ufffd,ios,,,,,,`],
  ['not_storable', (n) => `x${n}\0,ios,,,,,,`],
];

/** One row in ten is good, each thousandth is too long, and a hundred devices come twice. */
function* badFile(): Generator<string> {
  yield HEAD;
  for (let from = 0; from < ROWS; from += 1_000) {
    let text = `${'y'.repeat(70_000)}\n`;
    for (let n = from; n < from + 1_000; n++) {
      const [, bad] = BAD[n % BAD.length] ?? [];
      text += `${n % GOOD_OF === 0 || bad === undefined ? good(n) : bad(n)}\n`;
    }
    yield text;
  }
  for (let n = 0; n < 100; n++) yield `${good(n * GOOD_OF)}\n`;
}

test('bad rows among many are counted by reason, the first are named, and the rest is imported', async () => {
  const { status, body } = await upload(badFile());
  expect(status).toBe(200);
  const long = ROWS / 1_000;
  const goodRows = ROWS / GOOD_OF;
  const bad = ROWS - goodRows + long;
  const counts = { rows: ROWS + long + 100, imported: goodRows, badRows: bad, repeated: 100 };
  expect(body).toMatchObject(counts);
  expect(body.errors).toHaveLength(1_000);
  for (const reason of [...BAD.map(([name]) => name), 'line_too_long']) {
    expect(body.reasons[reason]).toBeGreaterThan(0);
  }
  const stored = api.deps.db.selectFrom('devices').select((eb) => eb.fn.countAll<number>().as('n'));
  expect(await stored.where('app_id', '=', app.appId).executeTakeFirst()).toEqual({ n: goodRows });
});

test('two simultaneous uploads of the same devices both succeed, and every token is active once', async () => {
  const file = (shift: number) => [
    HEAD,
    ...Array.from({ length: 5_000 }, (_, n) => `${good(n, (n + shift) % 5_000)}\n`),
  ];
  const answers = await Promise.all([upload(file(0)), upload(file(1))]);
  expect(answers.map(({ status, body }) => [status, body.imported])).toEqual([
    [200, 5_000],
    [200, 5_000],
  ]);
  expect(answers.map(({ body }) => body.created).toSorted((a, b) => a - b)).toEqual([0, 5_000]);
  const active = api.deps.db.selectFrom('devices').select('token').where('token_state', '=', 'active');
  expect(new Set((await active.where('app_id', '=', app.appId).execute()).map((row) => row.token)).size).toBe(
    5_000,
  );
});

test('deep nesting in a JSON body is refused as too large or left out, and never crashes the process', async () => {
  const nested = (depth: number) => [
    `{"deviceId":"d","platform":"ios","attributes":${'{"a":'.repeat(depth)}1${'}'.repeat(depth + 1)}`,
  ];
  const register = (depth: number) => send('/v1/devices', 'application/json', app.keys.sdk, nested(depth));
  expect((await register(2_000_000)).status).toBe(413);
  const { status, body } = await register(150_000);
  expect([status, body.warnings.length]).toEqual([201, 1]);
  expect((await api.app.inject('/health/live')).statusCode).toBe(200);
});
