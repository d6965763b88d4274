import { expect, test } from 'vitest';
import { readCliConfig, readConfig, readMigrationConfig } from './config.ts';
import { decodeMessageId, encodeMessageId } from './domain/receipts/message-id.ts';
import { createMessageMac } from './security/message-mac.ts';

const REQUIRED = {
  DATABASE_URL: 'postgres://signalbox@127.0.0.1/signalbox',
  CREDENTIALS_KEY: Buffer.alloc(32, 1).toString('base64'),
  SIGNING_KEY: Buffer.alloc(32, 2).toString('base64'),
  ADMIN_KEY: 'a'.repeat(32),
};

test('a variable that is not set has a default that is safe on one machine', () => {
  const config = readConfig(REQUIRED);
  expect(config.api).toEqual({
    host: '127.0.0.1',
    port: 8080,
    requestsPerMinute: 6_000,
    trustProxy: undefined,
  });
  expect(config.temporalUiUrl).toBeUndefined();
});

test('every fault is named at once, and no secret is shown', () => {
  const env = { ...REQUIRED, CREDENTIALS_KEY: 'c2hvcnQ=', API_PORT: '99999', ADMIN_KEY: 'too short' };
  const read = () => readConfig({ ...env, TEMPORAL_UI_URL: 'nowhere' });
  for (const name of ['CREDENTIALS_KEY', 'API_PORT', 'ADMIN_KEY', 'TEMPORAL_UI_URL']) {
    expect(read).toThrow(name);
  }
  expect(read).not.toThrow(/c2hvcnQ=|too short/);
});

test('after a key rotation the previous key is kept under the previous version', () => {
  const previous = Buffer.alloc(32, 9);
  const env = { ...REQUIRED, SIGNING_KEY_VERSION: '7', SIGNING_KEY_PREVIOUS: previous.toString('base64') };
  const { messageKeys } = readConfig(env);
  const old = createMessageMac({ current: previous, version: 6, previous: undefined });
  const ref = { pushNo: 4, deliveryNo: 2 };
  expect(decodeMessageId(createMessageMac(messageKeys), encodeMessageId(old, ref))).toEqual(ref);
  expect(() => readConfig({ ...env, SIGNING_KEY_PREVIOUS: 'c2hvcnQ=' })).toThrow('SIGNING_KEY_PREVIOUS');
});

test.each([
  ['10.0.0.0/8', ['10.0.0.0/8']],
  ['127.0.0.1, ::1,uniquelocal', ['127.0.0.1', '::1', 'uniquelocal']],
])('TRUST_PROXY takes addresses and ranges: %s', (text, proxies) => {
  expect(readConfig({ ...REQUIRED, TRUST_PROXY: text }).api.trustProxy).toEqual(proxies);
});

test.each(['true', '1', '*', '10.0.0.0/99', 'proxy.example', ','])('TRUST_PROXY refuses "%s"', (text) => {
  expect(() => readConfig({ ...REQUIRED, TRUST_PROXY: text })).toThrow('TRUST_PROXY');
});

const OPTIONAL = `DATABASE_POOL_SIZE TEMPORAL_ADDRESS TEMPORAL_NAMESPACE API_HOST API_PORT REQUESTS_PER_MINUTE
  TRUST_PROXY TEMPORAL_UI_URL SIGNING_KEY_VERSION SIGNING_KEY_PREVIOUS APNS_URL FCM_URL FCM_TOKEN_URL PUSH_CA_FILE
  PUSH_HTTP2 WEBHOOK_PRIVATE_RANGES RECEIPT_WINDOW_SECONDS WORKER_ROLE WORKFLOW_BUNDLE LOG_LEVEL`.split(
  /\s+/,
);

test.each(['', ' '])('a variable with the value "%s" is not set', (value) => {
  const empty = Object.fromEntries(OPTIONAL.map((name) => [name, value]));
  expect(readConfig({ ...REQUIRED, ...empty })).toEqual(readConfig(REQUIRED));
  expect(() => readConfig({ ...REQUIRED, ADMIN_KEY: value })).toThrow(/is required\n.*ADMIN_KEY/);
  expect(readCliConfig({ SIGNALBOX_URL: value, SIGNALBOX_KEY: 'sbk_1' })).toEqual({
    apiUrl: 'http://127.0.0.1:8080',
    key: 'sbk_1',
  });
  expect(() => readCliConfig({ SIGNALBOX_KEY: value })).toThrow(/is required\n.*SIGNALBOX_KEY/);
});

test('the migration needs the address of the database alone', () => {
  const { DATABASE_URL } = REQUIRED;
  expect(readMigrationConfig({ DATABASE_URL, PUSH_CA_FILE: '/nowhere' })).toEqual({
    databaseUrl: DATABASE_URL,
  });
  expect(() => readMigrationConfig({})).toThrow('DATABASE_URL');
});
