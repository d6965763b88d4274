import { generateKeyPairSync } from 'node:crypto';
import { beforeAll, expect, test } from 'vitest';
import { createTestApp, useTestApi } from '../../test/fixtures/test-api.ts';
import { fixture } from '../../test/setup/fixture.ts';

const api = useTestApi();
const app = fixture(beforeAll, () => createTestApp(api));

const pem = { type: 'pkcs8', format: 'pem' } as const;
const ec = (namedCurve: string) =>
  generateKeyPairSync('ec', { namedCurve }).privateKey.export(pem).toString();
const rsa = () => generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export(pem).toString();

const apns = () => ({
  teamId: 'TEAM123456',
  keyId: 'KEY1234567',
  topic: 'com.example.shop',
  privateKey: ec('P-256'),
});
const fcm = () => ({
  type: 'service_account',
  project_id: 'shop-1',
  client_email: 'push@shop-1.iam.gserviceaccount.com',
  private_key: rsa(),
});

test('a credential is sealed, named, replaced with a new version, and its key never shown', async () => {
  const body = apns();
  const put = await app.call('operator', 'PUT', '/v1/app/credentials/apns', body);
  expect(put.json()).toEqual({
    channel: 'apns',
    identity: 'TEAM123456 / KEY1234567 / com.example.shop',
    version: 1,
    updatedAt: '2026-11-22T08:00:00.000Z',
    ratePerSecond: null,
  });
  expect((await app.call('operator', 'PUT', '/v1/app/credentials/apns', body)).json().version).toBe(2);
  expect((await app.call('operator', 'PUT', '/v1/app/credentials/fcm', fcm())).json().identity).toBe(
    'push@shop-1.iam.gserviceaccount.com',
  );
  const list = await app.call('operator', 'GET', '/v1/app/credentials');
  expect(list.json().items.map((item: { channel: string }) => item.channel)).toEqual(['apns', 'fcm']);
  expect(list.body).not.toContain('PRIVATE KEY');
  const { sealed } = await api.deps.db
    .selectFrom('credentials')
    .select('sealed')
    .where('channel', '=', 'apns')
    .executeTakeFirstOrThrow();
  expect(sealed.toString('latin1')).not.toContain('PRIVATE KEY');
  expect(JSON.parse(api.deps.vault.open(sealed))).toEqual(body);
});

test.each([
  [
    'apns',
    () => ({ ...apns(), teamId: 'short', privateKey: 'nonsense', extra: 1 }),
    ['/extra', '/privateKey', '/teamId'],
  ],
  ['apns', () => ({ ...apns(), privateKey: ec('P-384') }), ['/privateKey']],
  ['apns', () => ({ ...apns(), privateKey: rsa() }), ['/privateKey']],
  [
    'fcm',
    () => ({ ...fcm(), private_key: ec('P-256'), client_email: 'nobody' }),
    ['/client_email', '/private_key'],
  ],
  ['fcm', () => ({}), ['/client_email', '/private_key', '/project_id']],
] as const)('every fault of a wrong %s credential is reported', async (channel, body, pointers) => {
  const answer = await app.call('operator', 'PUT', `/v1/app/credentials/${channel}`, body());
  expect(answer.statusCode).toBe(400);
  expect(
    answer
      .json()
      .errors.map((fault: { pointer: string }) => fault.pointer)
      .toSorted(),
  ).toEqual(pointers);
  expect(answer.body).not.toContain('PRIVATE KEY');
});

test('only operators see or change credentials', async () => {
  for (const who of ['marketer', 'approver', 'sdk'] as const) {
    expect((await app.call(who, 'PUT', '/v1/app/credentials/apns', apns())).statusCode).toBe(403);
    expect((await app.call(who, 'GET', '/v1/app/credentials')).statusCode).toBe(403);
  }
});

test('a channel that does not exist is not found', async () => {
  expect((await app.call('operator', 'PUT', '/v1/app/credentials/smoke', {})).statusCode).toBe(404);
});
