import { beforeAll, expect, test } from 'vitest';
import { newTask, openShop } from '../../test/fixtures/shop-fixture.ts';
import { ADMIN_KEY, useTestApi } from '../../test/fixtures/test-api.ts';
import { fixture } from '../../test/setup/fixture.ts';

const api = useTestApi({
  config: { adminKey: ADMIN_KEY, requestsPerMinute: 100_000, webhookRanges: ['127.0.0.1'] },
});
const shop = fixture(beforeAll, () => openShop(api));

/** Ways to send nothing, as clients do. */
const NOTHING = [
  ['no header', {}, undefined],
  ['a type', { 'content-type': 'application/json' }, undefined],
  ['a type and the length 0', { 'content-type': 'application/json', 'content-length': '0' }, undefined],
  [
    'the type of a form',
    { 'content-type': 'application/x-www-form-urlencoded', 'content-length': '0' },
    undefined,
  ],
  ['an empty object', { 'content-type': 'application/json' }, {}],
] as const;

test.each(
  NOTHING,
)('a body whose fields are all optional may be left out: %s', async (_what, headers, body) => {
  const made = await shop.marketer.call('POST', '/v1/tasks', newTask(shop));
  const copied = await shop.marketer.call('POST', `/v1/tasks/${made.body['id']}/copy`, body, headers);
  expect(copied).toMatchObject({ status: 201 });
  const operator = await shop.person('operator');
  const webhook = { url: 'http://127.0.0.1:9/', events: ['task.status_changed'] };
  const { body: created } = await operator.call('POST', '/v1/webhooks', webhook);
  const rotated = await operator.call('POST', `/v1/webhooks/${created['id']}/rotate-secret`, body, headers);
  expect(rotated.status).toBe(200);
  // A missing test device, not a missing body.
  const tested = await shop.marketer.call('POST', `/v1/tasks/${made.body['id']}/test-sends`, body, headers);
  expect(JSON.stringify(tested.body)).not.toContain('"pointer":""');
  const resumed = await operator.call('POST', '/v1/app/resume', body, headers);
  expect(resumed.status).toBeLessThan(500);
  expect([400, 415]).not.toContain(resumed.status);
});

test.each(NOTHING.slice(0, -1))('a body that is needed is asked for: %s', async (_what, headers, body) => {
  const answer = await shop.marketer.call('POST', '/v1/subgroups', body, headers);
  expect(answer).toMatchObject({
    status: 400,
    body: { errors: [{ pointer: '', detail: 'must be a JSON object; send it as application/json' }] },
  });
});
