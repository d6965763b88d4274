import { beforeEach, expect, test } from 'vitest';
import { createTestApp, type TestApp, useTestApi } from '../../test/fixtures/test-api.ts';

const api = useTestApi();
let app: TestApp;
beforeEach(async () => {
  app = await createTestApp(api);
});

const send = async (lines: readonly string[], query: string, type = 'text/csv') => {
  const answer = await api.app.inject({
    method: 'POST',
    url: `/v1/devices/import${query}`,
    headers: { authorization: `Bearer ${app.keys.operator}`, 'content-type': type },
    payload: lines.join('\n'),
  });
  return { status: answer.statusCode, ...answer.json() };
};
const read = async (id: string) => (await app.call('operator', 'GET', `/v1/devices/${id}`)).json();
const token = (n: number) => n.toString(16).padStart(64, '0');

test('an export of OneSignal is taken as it is', async () => {
  const p256dh = `BLV${'A'.repeat(10)}`;
  const answer = await send(
    [
      'id,identifier,session_count,language,timezone,game_version,device_os,device_type,device_model,ad_id,tags,last_active,playtime,amount_spent,created_at,invalid_identifier,badge_count,external_user_id,timezone_id,web_auth,web_p256',
      `11111111-0000-4000-8000-000000000001,${token(1)},5,de,3600,2.1,17.0,0,"iPhone15,2",,"{""plan"":""gold""}",2026-11-01 08:00:00 UTC,100,0,2026-01-01 00:00:00 UTC,f,0,u1,Europe/Berlin,,`,
      `11111111-0000-4000-8000-000000000002,${'x'.repeat(30)},1,en,0,2.1,14,1,Pixel,,{},2026-10-01 08:00:00 UTC,1,0,2026-01-01 00:00:00 UTC,t,0,,,,`,
      `11111111-0000-4000-8000-000000000003,ann@shop.example,1,en,0,,,11,,,{},2026-10-01 08:00:00 UTC,1,0,2026-01-01 00:00:00 UTC,f,0,,,,`,
      `11111111-0000-4000-8000-000000000004,https://updates.push.services.mozilla.com/x,1,en,0,,,8,,,{},2026-10-01 08:00:00 UTC,1,0,2026-01-01 00:00:00 UTC,f,0,,,,${p256dh}`,
    ],
    '?preset=onesignal',
  );
  expect(answer).toMatchObject({ imported: 3, badRows: 1, reasons: { not_a_push_device: 1 } });
  expect(answer.leftOut).toEqual({ no_subscription_keys: 1 });
  expect(answer.ignoredColumns).toContain('device_model');
  expect(await read('11111111-0000-4000-8000-000000000001')).toMatchObject({
    platform: 'ios',
    tokenState: 'active',
    userId: 'u1',
    locale: 'de',
    timeZone: 'Europe/Berlin',
    appVersion: '2.1',
    attributes: { plan: 'gold' },
    lastActiveAt: '2026-11-01T08:00:00.000Z',
    unsubscribedAt: null,
  });
  expect((await read('11111111-0000-4000-8000-000000000002')).unsubscribedAt).not.toBeNull();
});

test('the export of Firebase to BigQuery, with the tokens of your own database, is taken as it is', async () => {
  const answer = await send(
    [
      'event_timestamp,project_number,message_id,instance_id,message_type,sdk_platform,app_name,collapse_key,priority,ttl,topic,bulk_id,event,analytics_label,fcm_token',
      `2026-11-01 08:00:00.123456 UTC,1,m1,fidOfTheFirstDevice001,DISPLAY_NOTIFICATION,ANDROID,com.shop,,5,60,,,MESSAGE_ACCEPTED,,${'x'.repeat(30)}`,
      `2026-11-02 08:00:00.123456 UTC,1,m2,fidOfTheFirstDevice001,DISPLAY_NOTIFICATION,ANDROID,com.shop,,5,60,,,MESSAGE_DELIVERED,,${'x'.repeat(30)}`,
    ],
    '?preset=firebase',
  );
  expect(answer).toMatchObject({ imported: 1, repeated: 1, badRows: 0 });
  expect(await read('fidOfTheFirstDevice001')).toMatchObject({
    platform: 'android',
    tokenState: 'active',
    lastActiveAt: '2026-11-02T08:00:00.123Z',
  });
});

test('an export of Braze makes a device of each push token, and says which users have none', async () => {
  const user = (id: string, more: object) =>
    JSON.stringify({ external_id: id, braze_id: `b-${id}`, first_name: 'Ann', ...more });
  const answer = await send(
    [
      user('u1', {
        language: 'pt',
        country: 'BR',
        time_zone: 'America/Sao_Paulo',
        push_subscribe: 'unsubscribed',
        custom_attributes: { plan: 'gold', list: [1] },
        push_tokens: [
          { app: 'Shop', platform: 'iOS', token: token(1) },
          { app: 'Shop', platform: 'Android', token: 'y'.repeat(30), device_id: 'phone-1' },
        ],
        apps: [{ name: 'Shop', platform: 'iOS', version: '3.2', last_used: '2026-11-01T08:00:00.000Z' }],
      }),
      user('u2', { push_tokens: [] }),
      user('u3', {
        push_tokens: [
          { platform: 'Android', token: 'z'.repeat(30), device_id: 'phone-3' },
          { platform: 'iOS', token: 'broken', device_id: 'phone-4' },
        ],
      }),
    ],
    '?preset=braze',
    'application/x-ndjson',
  );
  expect(answer).toMatchObject({ rows: 5, imported: 3, badRows: 2 });
  expect(answer.reasons).toEqual({ not_a_push_device: 1, invalid_token: 1 });
  expect(answer.leftOut).toEqual({ attribute_not_flat: 1 });
  expect(answer.ignoredColumns).toEqual(['first_name']);
  expect(await read('phone-1')).toMatchObject({
    userId: 'u1',
    locale: 'pt-BR',
    timeZone: 'America/Sao_Paulo',
    appVersion: '3.2',
    attributes: { plan: 'gold' },
    unsubscribedAt: expect.any(String),
  });
  const { items } = (await app.call('operator', 'GET', '/v1/devices?userId=u1')).json();
  expect(items).toHaveLength(2);
});
