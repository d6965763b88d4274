import Fastify from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { beforeAll, expect, test } from 'vitest';
import { createDevCredentials } from '../../dev/simulators/credentials.ts';
import { apnsToken } from '../../dev/simulators/tokens.ts';
import { seedPush, seedTask } from '../../test/fixtures/ledger-fixture.ts';
import { type Caller, newTask, openShop } from '../../test/fixtures/shop-fixture.ts';
import { ADMIN_KEY, useTestApi } from '../../test/fixtures/test-api.ts';
import { fixture } from '../../test/setup/fixture.ts';
import type { App } from '../http/deps.ts';
import { AUDIT_ACTIONS, enforceAuditTrail } from './audit-actions.ts';

const api = useTestApi({
  config: { adminKey: ADMIN_KEY, requestsPerMinute: 100_000, webhookRanges: ['127.0.0.1'] },
});
const { credentials } = createDevCredentials();
const SECRET = 'a secret of the user tokens, 32 characters or more';
const DEVICE = { deviceId: 'phone-of-somebody', platform: 'ios', token: apnsToken(1) };
const RULE = { field: 'platform', op: 'in', value: ['ios'] };
const TARGET = { url: 'http://127.0.0.1:9/', events: ['task.status_changed'] };

type Request = [
  who: Caller,
  method: 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'GET',
  url: string,
  body?: unknown,
];
type Operation = {
  [Name in keyof typeof AUDIT_ACTIONS]: (typeof AUDIT_ACTIONS)[Name] extends null ? never : Name;
}[keyof typeof AUDIT_ACTIONS];

/** Operations whose audit entries come from a workflow. The tests with Temporal try these. */
const BY_WORKFLOW = [
  ...(['submitTask', 'withdrawTask', 'approveTask', 'approveTasks', 'rejectTask', 'rejectTasks'] as const),
  ...(['sendTask', 'pauseTask', 'resumeTask', 'cancelTask', 'setTaskRate', 'testTask'] as const),
];
type ByApi = Exclude<Operation, (typeof BY_WORKFLOW)[number]>;

const world = fixture(beforeAll, async () => {
  const shop = await openShop(api);
  const operator = await shop.person('operator');
  const { status } = await shop.sdk.call('POST', '/v1/devices', DEVICE);
  expect(status).toBe(201);
  const csv = (url: string): Request => [operator, 'POST', url, 'device_id\nphone-of-somebody\n'];
  const { appId, marketer } = shop;
  const push = await seedPush(api.deps.db, {
    appId,
    startedAt: api.clock.now,
    taskId: await seedTask(api.deps.db, { appId, personId: marketer.personId, now: api.clock.now }),
    deliveries: [{ status: 'accepted', platform: 'ios', deviceId: 'phone-of-somebody' }],
  });
  return { shop, operator, csv, push, admin: adminOf(operator) };
});

/** The administrator, who is not a person of the app. */
function adminOf(caller: Caller): Caller {
  const headers = { authorization: `Bearer ${ADMIN_KEY}` };
  return {
    ...caller,
    personId: '',
    call: (m, url, body, more) => caller.call(m, url, body, { ...more, ...headers }),
  };
}

async function made(...request: Request): Promise<string> {
  const { status, body } = await send(request);
  expect(status, JSON.stringify(body)).toBeLessThan(300);
  return String(body['id'] ?? body['keyId'] ?? '');
}

async function send([who, method, url, body]: Request) {
  if (typeof body !== 'string') return await who.call(method, url, body as object, { 'if-match': '"1"' });
  return await who.call(method, url, body, { 'content-type': 'text/csv' });
}

const audience = () => made(world.operator, 'POST', '/v1/audiences', { name: 'A', kind: 'rule', rule: RULE });
const webhook = () => made(world.operator, 'POST', '/v1/webhooks', TARGET);
const subgroup = () => made(world.operator, 'POST', '/v1/subgroups', { name: `S ${Math.random()}` });
const campaign = () => made(world.operator, 'POST', '/v1/sub-campaigns', { name: `C ${Math.random()}` });
const task = () => made(world.operator, 'POST', '/v1/tasks', newTask(world.shop));
const vendorKey = () => made(world.operator, 'POST', '/v1/app/vendor-keys', { name: 'Vendor' });

/** Makes one failed message. */
async function failed(): Promise<string> {
  const id = await webhook();
  const { body } = await world.operator.call('POST', `/v1/webhooks/${id}/ping`);
  await api.deps.db
    .updateTable('webhook_deliveries')
    .set({ status: 'failed', settled_at: api.clock.now })
    .where('endpoint_id', '=', id)
    .execute();
  return `/v1/webhooks/${id}/deliveries/${String(body['messageId'])}/replay`;
}

const REQUESTS: Readonly<Record<ByApi, () => Promise<Request> | Request>> = {
  createApp: () => [world.admin, 'POST', '/v1/apps', { name: 'Another', timeZone: 'UTC' }],
  changeApp: () => [world.operator, 'PATCH', '/v1/app', { approvalsRequired: 2 }],
  stopApp: () => [world.operator, 'POST', '/v1/app/stop', { reason: 'wrong price' }],
  resumeApp: () => [world.operator, 'POST', '/v1/app/resume'],
  createKey: () => [
    world.admin,
    'POST',
    `/v1/apps/${world.shop.appId}/keys`,
    { role: 'approver', name: 'Personal Name' },
  ],
  revokeKey: async () => {
    const id = await made(world.admin, 'POST', `/v1/apps/${world.shop.appId}/keys`, { role: 'sdk' });
    return [world.operator, 'DELETE', `/v1/keys/${id}`];
  },
  putApnsCredential: () => [world.operator, 'PUT', '/v1/app/credentials/apns', credentials.apns],
  putFcmCredential: () => [world.operator, 'PUT', '/v1/app/credentials/fcm', credentials.fcm],
  setCredentialRate: () => [world.operator, 'PUT', '/v1/app/credentials/apns/rate', { ratePerSecond: 100 }],
  putUserTokenKey: () => [
    world.operator,
    'PUT',
    '/v1/app/user-token-keys/first',
    { alg: 'HS256', secret: SECRET },
  ],
  deleteUserTokenKey: () => [world.operator, 'DELETE', '/v1/app/user-token-keys/first'],
  createVendorKey: () => [world.operator, 'POST', '/v1/app/vendor-keys', { name: 'Vendor' }],
  revokeVendorKey: async () => [world.operator, 'DELETE', `/v1/app/vendor-keys/${await vendorKey()}`],
  putContactRules: () => [
    world.operator,
    'PUT',
    '/v1/app/contact-rules',
    { caps: [{ max: 1, window: { kind: 'day' } }] },
  ],
  eraseUsers: () => [world.operator, 'POST', '/v1/users/erase', { userIds: ['user-of-somebody'] }],
  deleteDevice: async () => {
    const deviceId = 'phone-to-forget';
    const { status } = await world.shop.sdk.call('POST', '/v1/devices', { deviceId, platform: 'ios' });
    expect(status).toBe(201);
    return [world.operator, 'DELETE', `/v1/devices/${deviceId}`];
  },
  importDevices: () => [
    world.operator,
    'POST',
    '/v1/devices/import',
    `device_id,platform,token\nphone-of-another,ios,${apnsToken(2)}\n`,
  ],
  exportDevices: () => [world.operator, 'GET', '/v1/devices/export?userId=user-of-somebody'],
  exportDeliveries: () => [world.operator, 'GET', `/v1/pushes/${world.push.id}/deliveries.csv`],
  createAudience: () => [world.operator, 'POST', '/v1/audiences', { name: 'A', kind: 'rule', rule: RULE }],
  changeAudience: async () => [world.operator, 'PUT', `/v1/audiences/${await audience()}`, { rule: RULE }],
  archiveAudience: async () => [world.operator, 'DELETE', `/v1/audiences/${await audience()}`],
  uploadAudience: () => world.csv('/v1/audiences/upload?name=B'),
  uploadAudienceVersion: async () =>
    world.csv(`/v1/audiences/${await made(...world.csv('/v1/audiences/upload?name=C'))}/upload`),
  createResultAudience: () => [
    world.operator,
    'POST',
    `/v1/pushes/${world.push.id}/audience`,
    { name: 'D', filter: {} },
  ],
  createSubgroup: () => [world.operator, 'POST', '/v1/subgroups', { name: 'Spring' }],
  changeSubgroup: async () => [
    world.operator,
    'PATCH',
    `/v1/subgroups/${await subgroup()}`,
    { name: 'Summer' },
  ],
  deleteSubgroup: async () => [world.operator, 'DELETE', `/v1/subgroups/${await subgroup()}`],
  createSubCampaign: () => [world.operator, 'POST', '/v1/sub-campaigns', { name: 'Spring' }],
  renameSubCampaign: async () => [
    world.operator,
    'PATCH',
    `/v1/sub-campaigns/${await campaign()}`,
    { name: 'Summer' },
  ],
  deleteSubCampaign: async () => [world.operator, 'DELETE', `/v1/sub-campaigns/${await campaign()}`],
  createTask: () => [world.operator, 'POST', '/v1/tasks', newTask(world.shop)],
  copyTask: async () => [world.operator, 'POST', `/v1/tasks/${await task()}/copy`],
  editTask: async () => [
    world.operator,
    'PATCH',
    `/v1/tasks/${await task()}`,
    { messageClass: 'transactional' },
  ],
  deleteTask: async () => [world.operator, 'DELETE', `/v1/tasks/${await task()}`],
  putTestDevices: () => [world.shop.approver, 'PUT', '/v1/test-devices', { deviceIds: [DEVICE.deviceId] }],
  createWebhook: () => [world.operator, 'POST', '/v1/webhooks', TARGET],
  changeWebhook: async () => [
    world.operator,
    'PATCH',
    `/v1/webhooks/${await webhook()}`,
    { url: 'http://127.0.0.1:9/token-in-the-path' },
  ],
  deleteWebhook: async () => [world.operator, 'DELETE', `/v1/webhooks/${await webhook()}`],
  rotateWebhookSecret: async () => [
    world.operator,
    'POST',
    `/v1/webhooks/${await webhook()}/rotate-secret`,
    {},
  ],
  replayWebhook: async () => [world.operator, 'POST', await failed()],
  replayFailedWebhooks: async () => [
    world.operator,
    'POST',
    `/v1/webhooks/${await webhook()}/replay-failed`,
    { since: '2026-11-20T00:00:00Z' },
  ],
  pingWebhook: async () => [world.operator, 'POST', `/v1/webhooks/${await webhook()}/ping`],
};

const lines = async (appId: string) =>
  await api.deps.db.selectFrom('audit').selectAll().where('app_id', '=', appId).orderBy('no').execute();

test.each(
  Object.keys(REQUESTS) as ByApi[],
)('%s is in the audit with the person who did it', async (operation) => {
  const request = await REQUESTS[operation]();
  const before = (await lines(world.shop.appId)).length;
  const [who] = request;
  const id = await idMadeBy(request);
  const isOwnApp = operation === 'createApp';
  const added = isOwnApp ? await lines(id) : (await lines(world.shop.appId)).slice(before);
  const personId = who.personId === '' ? null : who.personId;
  expect(added).toMatchObject([
    { action: AUDIT_ACTIONS[operation], person_id: personId, via: 'api', outcome: 'done' },
  ]);
});

/** The ID in the answer. An export, whose answer is not JSON, has none. */
async function idMadeBy(request: Request): Promise<string> {
  const [who, method, url] = request;
  if (method !== 'GET') return await made(...request);
  await who.text(method, url);
  return '';
}

test('a refused request or one for a missing object leaves no audit entry', async () => {
  const before = await lines(world.shop.appId);
  const { operator, shop } = world;
  const refused: Request[] = [
    [operator, 'DELETE', '/v1/keys/key-unknown'],
    [operator, 'DELETE', '/v1/audiences/audience-unknown'],
    [operator, 'DELETE', '/v1/webhooks/webhook-unknown'],
    [shop.marketer, 'PATCH', '/v1/app', { approvalsRequired: 1 }],
    [operator, 'PUT', '/v1/app/credentials/apns', { ...credentials.apns, keyId: 'short' }],
  ];
  for (const request of refused) expect((await send(request)).status).toBeGreaterThanOrEqual(400);
  expect(await lines(shop.appId)).toEqual(before);
});

test('a changing route that names no audit action is refused at the start', () => {
  const app: App = Fastify().withTypeProvider<ZodTypeProvider>();
  enforceAuditTrail(app);
  const handler = async () => 'done';
  expect(() => app.post('/unaudited', handler)).toThrow('must name an audit action');
  expect(() => app.post('/audited', { config: { auditAction: null } }, handler)).not.toThrow();
  expect(() => app.get('/read', handler)).not.toThrow();
});

test('the audit names the person who changed keys and credentials, or the administrator', async () => {
  const { body } = await world.operator.call(
    'GET',
    '/v1/audit?action=create_key&action=set_credential&limit=100',
  );
  const items = body['items'] as { action: string; personId: string | null; keyId: string; detail: string }[];
  expect(items.find(({ action }) => action === 'create_key')).toMatchObject({
    personId: null,
    keyId: 'admin',
  });
  expect(items.find(({ detail }) => detail.startsWith('apns'))?.detail).toBe(
    `apns: ${credentials.apns.teamId} / ${credentials.apns.keyId} / ${credentials.apns.topic}, version 1`,
  );
  expect(await world.operator.text('GET', '/v1/audit/export?action=revoke_key')).toContain(
    ',revoke_key,api,',
  );
});

/** Operations whose requests carry secrets, names, users or devices. */
const REVEALING = [
  ...(['createKey', 'putApnsCredential', 'putUserTokenKey', 'createVendorKey'] as const),
  ...([
    'eraseUsers',
    'deleteDevice',
    'importDevices',
    'exportDevices',
    'exportDeliveries',
    'putTestDevices',
  ] as const),
  ...(['uploadAudience', 'createWebhook', 'changeWebhook', 'rotateWebhookSecret'] as const),
];

// Stands last, because a second version of the APNs credential would disturb the test above.
test('no secret, name, user or device is in the audit', async () => {
  const before = (await lines(world.shop.appId)).length;
  for (const operation of REVEALING) await idMadeBy(await REQUESTS[operation]());
  const { status, body } = await world.operator.call('POST', '/v1/webhooks', TARGET);
  expect(status).toBe(201);
  const added = (await lines(world.shop.appId)).slice(before);
  expect(added.length).toBeGreaterThan(REVEALING.length);
  const text = JSON.stringify(added);
  for (const word of [
    ...[SECRET, 'PRIVATE KEY', 'whsec_', 'sbk_', String(body['secret']), 'token-in-the-path'],
    ...['Personal Name', 'user-of-somebody', 'phone-of-somebody', 'phone-of-another', apnsToken(2)],
  ]) {
    expect(text).not.toContain(word);
  }
});
