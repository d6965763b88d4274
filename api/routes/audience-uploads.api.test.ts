import { once } from 'node:events';
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { beforeAll, expect, test } from 'vitest';
import { fixture } from '../../test/setup/fixture.ts';
import { createTestApp, useServer, useTestApi } from '../testing.ts';

const api = useTestApi();
const app = fixture(beforeAll, () => createTestApp(api));
const server = useServer(api);

/** Over a real socket, in parts. */
function uploading(name: string, key: string): ClientRequest {
  const sending = request({
    ...{ host: '127.0.0.1', port: server.port, path: `/v1/audiences/upload?name=${name}`, method: 'POST' },
    headers: {
      authorization: `Bearer ${app.keys.marketer}`,
      'content-type': 'text/plain',
      'idempotency-key': key,
    },
  });
  sending.on('error', () => undefined);
  return sending;
}
async function answerOf(sending: ClientRequest) {
  const answered = once(sending, 'response') as Promise<[IncomingMessage]>;
  sending.end();
  const [answer] = await answered;
  return {
    status: answer.statusCode,
    replayed: answer.headers['idempotency-replayed'],
    body: JSON.parse(await text(answer)),
  };
}
const rows = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, n) => `device-${from + n}\n`).join('');
const isStaging = async () => {
  const { rows: found } = await api.deps.pool.query(
    `select 1 from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and query ilike 'copy%' and state = 'active'`,
  );
  return found.length;
};
const names = async () => {
  const { items } = (await app.call('marketer', 'GET', '/v1/audiences?limit=200')).json();
  return items.map((one: { name: string; members: number }) => `${one.name} ${one.members}`).toSorted();
};

test('an upload that is cut leaves nothing, and is made whole under the same key, once', async () => {
  const cut = uploading('Cut', 'upload-0001');
  cut.write(rows(0, 5_000));
  await expect.poll(isStaging).toBe(1);
  cut.destroy();
  await expect.poll(isStaging).toBe(0);
  expect(await names()).toEqual([]);
  const send = async () => {
    const sending = uploading('Cut', 'upload-0001');
    sending.write(rows(0, 5_000));
    sending.write(rows(5_000, 8_000));
    return await answerOf(sending);
  };
  await expect.poll(send).toMatchObject({ status: 201, body: { members: 8_000, repeated: 0 } });
  expect(await send()).toMatchObject({ status: 201, replayed: 'true', body: { members: 8_000 } });
  expect(await names()).toEqual(['Cut 8000']);
});

test('two uploads that arrive in turns do not meet; one that ends early does not end the other', async () => {
  const [first, second, third] = [
    uploading('A', 'upload-000a'),
    uploading('B', 'upload-000b'),
    uploading('C', 'upload-000c'),
  ];
  for (let part = 0; part < 5; part++) {
    first.write(rows(part * 1_000, part * 1_000 + 1_000));
    second.write(rows(part * 1_000 + 500, part * 1_000 + 1_500));
    third.write(rows(0, 1_000));
  }
  await expect.poll(isStaging).toBe(3);
  third.destroy();
  const answers = await Promise.all([answerOf(first), answerOf(second)]);
  expect(answers).toMatchObject([
    { status: 201, body: { rows: 5_000, members: 5_000, version: 1 } },
    { status: 201, body: { rows: 5_000, members: 5_000, version: 1 } },
  ]);
  expect(await names()).toEqual(['A 5000', 'B 5000', 'Cut 8000']);
});

test('while an upload goes on its key is taken; when its process died, it is free after a minute', async () => {
  const slow = uploading('Slow', 'upload-slow');
  slow.write(rows(0, 10));
  await expect.poll(isStaging).toBe(1);
  api.clock.advance(59_000);
  const since = async () => {
    const { rows: found } = await api.deps.pool.query<{ created_at: Date }>(
      `select created_at from idempotency_keys where key = 'upload-slow'`,
    );
    return found[0]?.created_at;
  };
  await expect.poll(since, { timeout: 15_000 }).toEqual(api.clock.now);
  api.clock.advance(59_000);
  const meanwhile = uploading('Slow', 'upload-slow');
  meanwhile.write(rows(0, 10));
  expect(await answerOf(meanwhile)).toMatchObject({ status: 409 });
  expect(await answerOf(slow)).toMatchObject({ status: 201, body: { members: 10 } });
  await api.deps.pool.query(`update idempotency_keys set status = null where key = 'upload-slow'`);
  api.clock.advance(61_000);
  const again = uploading('Slow', 'upload-slow');
  again.write(rows(0, 20));
  expect(await answerOf(again)).toMatchObject({ status: 201, replayed: undefined, body: { members: 20 } });
});
